import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";

/**
 * Ends process groups when we are killed in a way that leaves us no time for it. It is a shell outside of our process group
 * that reads a pipe of ours: which groups there are, and, when the kernel closes the pipe, that we are gone.
 *
 * It only spares money and a surprise: whatever it leaves, or if it was killed as well, is ended by the next resume.
 */
export interface Guard extends Disposable {
  watch(group: number): void;
  release(group: number): void;
}

/** Starts nothing before there is a group to watch. */
export function openGuard(): Guard {
  let shell: ChildProcess | null = null;
  const tell = (line: string): void => void shell?.stdin?.write(line);
  return {
    watch: (group) => {
      shell ??= startShell();
      tell(`+ ${String(group)}\n`);
    },
    release: (group) => tell(`- ${String(group)}\n`),
    [Symbol.dispose]: () => {
      shell?.stdin?.end();
      shell = null;
    },
  };
}

/** Seconds between asking and killing, as for a stop. */
const GRACE_S = 5;

const SCRIPT = `
live=" "
while read -r what group; do
  case $what in
    +) live="$live$group " ;;
    -) case $live in *" $group "*) live="\${live%% $group *} \${live#* $group }" ;; esac ;;
  esac
done
set -- $live
for group; do kill -s TERM -- "-$group" 2>/dev/null; done
second=0
while [ "$second" -lt ${String(GRACE_S)} ]; do
  left=no
  for group; do kill -s 0 -- "-$group" 2>/dev/null && left=yes; done
  [ "$left" = no ] && exit
  sleep 1
  second=$((second + 1))
done
for group; do kill -s KILL -- "-$group" 2>/dev/null; done
`;

/** Nothing of ours in its environment: a resume that looks for what is left of the session must not take it for that. */
function startShell(): ChildProcess {
  const shell = spawn("/bin/sh", ["-c", SCRIPT, "prodigy-guard"], {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  // Without it things are as they would be if it had been killed.
  shell.on("error", () => undefined);
  shell.stdin.on("error", () => undefined);
  // We end when our work does, not when it does.
  shell.unref();
  if (shell.stdin instanceof Socket) shell.stdin.unref();
  return shell;
}
