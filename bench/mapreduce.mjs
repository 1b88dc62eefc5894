// @ts-check
// What two hundred items cost, eight at once, on a repository of 5,000 files, beside a shell script that gives each item
// a worktree, and beside the items' own commands. Ours goes first: deleting many files makes a disk slow for minutes.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atMost, spread } from "./figures.mjs";
import { commitFiles, inPlace, MAIN, timed } from "./place.mjs";

const ITEMS = 200;
const AT_ONCE = 8;
/** Of the script's time, whatever the machine. */
const LIMIT = 0.6;

/** What each item does: four files of its own, one commit. */
const ITEM = `set -eu
for file in 1 2 3 4; do
  mkdir -p "made/$1"
  echo "item $1, file $file" > "made/$1/$file.txt"
done
git add --all
git commit --quiet --message="item $1"
`;

const WORKFLOW = `name: bench
mode: mapreduce
map:
  input: items.json
  max_parallel: ${AT_ONCE}
  agent_template:
    - shell: sh "$ITEM_SCRIPT" "$NUMBER"
      env: { NUMBER: "\${item.number}" }
`;

/** Careful: a lock around what changes git's list of worktrees or the branch, checkouts and commits beside each other. */
const SCRIPT = `set -eu
number=$1
tree="$TREES/item-$number"
locked() {
  until mkdir "$TREES/lock" 2> /dev/null; do sleep 0.01; done
  status=0
  "$@" || status=$?
  rmdir "$TREES/lock"
  return "$status"
}
locked git worktree add --quiet --no-checkout -b "item-$number" "$tree" "$BASE"
git -C "$tree" reset --quiet --hard
(cd "$tree" && sh "$ITEM_SCRIPT" "$number")
locked git merge --quiet --no-ff --message="Merge item $number" "item-$number"
locked git worktree remove --force "$tree"
locked git branch --quiet -D "item-$number"
`;

/** The commands alone, in worktrees that are there already. */
const BARE = `set -eu
cd "$TREES/bare-$1"
number=$1
while [ "$number" -le ${ITEMS} ]; do
  sh "$ITEM_SCRIPT" "$number"
  number=$((number + ${AT_ONCE}))
done
`;

export async function mapreduceBench() {
  const ours = await inPlace(prodigy);
  const bare = await inPlace(commandsAlone);
  const script = await inPlace(shellScript);
  const scale = {
    text: `${ITEMS} items, ${AT_ONCE} at once, against a shell script with a worktree for each`,
    limit: LIMIT,
    digits: 2,
    unit: " of its time",
  };
  const details = [
    spread("prodigy run --yes", [ours]),
    spread("shell script", [script]),
    spread("the items' commands alone", [bare]),
  ];
  return [atMost(ours / script, scale, details)];
}

/** @param {import("./place.mjs").Place} place */
async function prodigy(place) {
  const where = await prepared(place);
  const workflow = join(place.root, "items.yml");
  writeFileSync(workflow, WORKFLOW);
  const time = await timed([process.execPath, MAIN, "run", workflow, "--yes"], where);
  verify(place);
  return time;
}

/** @param {import("./place.mjs").Place} place */
async function shellScript(place) {
  const where = await prepared(place);
  const time = await parallel(place, { where, script: SCRIPT, count: ITEMS });
  verify(place);
  return time;
}

/** @param {import("./place.mjs").Place} place */
async function commandsAlone(place) {
  const where = await prepared(place);
  for (let number = 1; number <= AT_ONCE; number += 1) {
    const tree = join(place.root, "trees", `bare-${number}`);
    await timed(["git", "worktree", "add", "--quiet", "--detach", tree], where);
  }
  return await parallel(place, { where, script: BARE, count: AT_ONCE });
}

/** @param {import("./place.mjs").Place} place */
async function prepared(place) {
  await commitFiles(place);
  const items = Array.from({ length: ITEMS }, (_, index) => ({ number: index + 1 }));
  writeFileSync(join(place.repository, "items.json"), JSON.stringify(items));
  const script = join(place.root, "item.sh");
  writeFileSync(script, ITEM);
  mkdirSync(join(place.root, "trees"));
  const env = { ...place.env, ITEM_SCRIPT: script, TREES: join(place.root, "trees"), BASE: "start" };
  const where = { cwd: place.repository, env };
  await timed(["git", "add", "--all"], where);
  await timed(["git", "commit", "--quiet", "--message=items"], where);
  await timed(["git", "tag", "start"], where);
  return where;
}

/**
 * @param {import("./place.mjs").Place} place
 * @param {{ readonly where: Parameters<typeof timed>[1], readonly script: string, readonly count: number }} work
 */
function parallel(place, { where, script, count }) {
  const file = join(place.root, "work.sh");
  writeFileSync(file, script);
  return timed(["sh", "-c", `seq 1 ${count} | xargs -P ${AT_ONCE} -n 1 sh "$0"`, file], where);
}

/** A run that was fast because it did not do its work is no figure. @param {import("./place.mjs").Place} place */
function verify({ repository }) {
  for (let number = 1; number <= ITEMS; number += 1) {
    if (!existsSync(join(repository, "made", String(number), "4.txt"))) throw new Error(`item ${number} is missing`);
  }
}
