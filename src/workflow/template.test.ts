import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { computedIn } from "./computed.ts";
import type { Json } from "./model.ts";
import { createScope } from "./scope.ts";
import { interpolate, listReferences, parseTemplate, type RenderOptions } from "./template.ts";

const values: Record<string, Json> = {
  ARG: "65",
  count: 5,
  ratio: 0.5,
  flag: true,
  nothing: null,
  blank: "",
  names: ["a b", "c"],
  none: [],
  captured: '{"version": "1.2", "list": [10, 20]}',
  uuid: "u-1",
  "cmd:git rev-parse HEAD": "abc123",
  "date:%Y-%m-%d": "2026-01-02",
  "file:VERSION.txt": "7",
  "map.results": [{ item_id: "one", score: 3 }, { item_id: "two" }],
  "map.total": 2,
  "shell.output": "first\nsecond\n",
  "worker.id": "w3",
  args: ["alpha", "beta"],
  env: { HOME_DIR: "/h" },
  item: { name: "it's", path: "src/a/main.rs", a: { b: 1 }, list: [1, [2, 3]], "odd key": "k", tags: ["x", "y"] },
  last: { output: "done", exit_code: 0 },
  workflow: { name: "nightly", files_added: ["specs/1.md", "src/x.rs", "specs/deep/2.md"] },
  step: { name: "build", files_added: ["specs/1.md", "docs/b c.md"], files_deleted: [] },
  test: { output: "t" },
  validation: { missing: [] },
};
const scope = createScope([{ values, namespaces: ["coverage"] }]);

describe("language 9.3", () => {
  test.each([
    ["V1", "${env.HOME_DIR} ${env:HOME_DIR}", "/h /h"],
    ["V1", "${uuid} ${cmd:git rev-parse HEAD} ${date:%Y-%m-%d} ${file:VERSION.txt}", "u-1 abc123 2026-01-02 7"],
    ["V1", "${json:list[1]:from:captured} ${json:version:captured}", "20 1.2"],
    ["V2", "${map.results|length} ${map.results[*].item_id}", "2 one, two"],
    ["V2", "${map.results | sum('score')} ${map.results|avg:score} ${item.list|count} ${item.list | max}", "3 3 2 1"],
    ["V3", "${last.output} ${workflow.name} ${step.name} ${worker.id}", "done nightly build w3"],
    ["V4", "${item.a.b} ${item.list[0]} ${item.list[1][1]} ${item.list.0}", "1 1 3 1"],
    ["V4", "${item[\"odd key\"]} ${item['odd key']} ${item.list[-1]}", "k k [2,3]"],
    ["V7", "${map.results[0].item_id} ${map.results[1].item_id}", "one two"],
    ["V9", "awk '{print $1, $NF}' && echo $2 ${1}", "awk '{print $1, $NF}' && echo $2 ${1}"],
    ["V10", "${VAR:-x} ${ARG:-x}", "${VAR:-x} 65"],
    ["V11", "$${ARG} \\${ARG} $${HOME}", "${ARG} ${ARG} ${HOME}"],
    ["V12", "${count} ${ratio} ${last.exit_code}", "5 0.5 0"],
    ["V13", "$ARG_1 $ARG $ARGS x$ARG.", "$ARG_1 65 $ARGS x65."],
  ])("%s: %s", (_, text, expected) => {
    expect(rendered(text)).toBe(expected);
  });

  test.each<[string, Json, string]>([
    ["V5: a scalar item", "plain", "plain plain"],
    ["V5: a number", 7, "7 7"],
    ["V6: a line of a command", "./a.txt", "./a.txt ./a.txt"],
    ["V6: an object with a field item", { item: "./a.txt" }, '{"item":"./a.txt"} ./a.txt'],
  ])("%s answers to ${item} and ${item.item}", (_, item, expected) => {
    expect(interpolate("${item} ${item.item}", createScope([{ values: { item } }]))).toMatchObject({ text: expected });
  });

  test("V8: a missing name in a known namespace is a problem that lists what is there", () => {
    expect(interpolate("run ${item.nmae} now", scope)).toEqual({
      ok: false,
      problems: [
        {
          message: "${item.nmae} is not known at this point",
          offset: 4,
          length: 12,
          help: "did you mean ${item.name}? write ${item.nmae:-text} for a default, $${item.nmae} for the text itself",
        },
      ],
    });
  });

  test("V8: all missing names are reported at once", () => {
    const result = interpolate("${shell.x} ${coverage.spec} ${captured.nope} ${map.results[9].id} ${args[7]}", scope);
    expect(result.ok ? [] : result.problems.map((problem) => problem.offset)).toEqual([0, 11, 28, 45, 66]);
  });

  test("V8: a namespace without any value has no names to list", () => {
    expect(interpolate("${validation.gaps}", createScope([]))).toMatchObject({
      problems: [{ help: "write ${validation.gaps:-text} for a default, $${validation.gaps} for the text itself" }],
    });
  });
});

describe("computed values", () => {
  test.each([
    ["${date:YYYY-MM-DD}", "a date has the letters of strftime", 18],
    ["${date:%Y-%Q}", "a date has no %Q; letters: ", 13],
  ])("%s is refused: %s", (text, message, length) => {
    expect(parseTemplate(text)).toEqual({
      ok: false,
      problem: {
        message: expect.stringContaining(message),
        offset: 0,
        length,
        help: "write it as in ${date:%Y-%m-%d}",
      },
    });
  });

  test.each(["${date:%Y ${item.name}}", "${date:0:10} ${date:-x}"])("%s is good", (text) => {
    expect(parseTemplate(text)).toMatchObject({ ok: true });
  });

  test("a file may have a default and filters; all of a command is the command", () => {
    expect(computedIn("${file:a b.txt:-none} ${file:x.md|trim|upper} ${cmd:ls | sort | awk '{print $1}'}")).toEqual([
      "file:a b.txt",
      "file:x.md",
      "cmd:ls | sort | awk '{print $1}'",
    ]);
  });

  test("what stands inside of others comes first, and what is escaped is none", () => {
    expect(computedIn("${cmd:echo ${uuid} ${file:n}} ${x:-${date:%Y}} \\${uuid} $${file:q}")).toEqual([
      "uuid",
      "file:n",
      "cmd:echo ${uuid} ${file:n}",
      "date:%Y",
    ]);
  });

  test("JSON is entered in a file, in what a command prints, and in a variable", () => {
    expect(computedIn("${json:a.b:from:file:x.json} ${json:a[0]:cmd:cat y.json | jq .} ${json:$.c:from:var}")).toEqual([
      "file:x.json",
      "cmd:cat y.json | jq .",
    ]);
    const own = createScope([{ values: { "file:x.json": '{"a": {"b": [5]}}', var: '{"c": 7}' } }]);
    const text = "${json:a.b[0]:from:file:x.json} ${json:$.c:from:var} ${json:a.z:from:file:x.json:-none}";
    expect(interpolate(text, own)).toMatchObject({ text: "5 7 none" });
  });
});

describe("values as text", () => {
  test.each([
    ["${flag}|${nothing}|${blank}|", "true|||"],
    ["${names}", "a b, c"],
    ["${none}", "[]"],
    ["${item.a}", '{"b":1}'],
    ["${item.tags}", "x, y"],
    ["${captured.version}", "1.2"],
    ["git add ${step.files_added}", "git add specs/1.md docs/b c.md"],
    ["lint ${step.files_deleted}${step.files_added:*.rs}.", "lint ."],
    ["missing: ${validation.missing}.", "missing: ."],
    ["${ item.name }", "it's"],
  ])("%s is %j", (text, expected) => {
    expect(rendered(text)).toBe(expected);
  });

  test("values are not filled in again", () => {
    const tricky = createScope([{ values: { a: "${b} $b $${b}", b: "no" } }]);
    expect(interpolate("${a}", tricky)).toMatchObject({ text: "${b} $b $${b}" });
  });
});

describe("defaults", () => {
  test.each([
    ["${item.x:-text}", "text"],
    ["${item.x:-}", ""],
    ["${blank:-text}${nothing:-text}", ""],
    ["${nothing|default:text}", "text"],
    ["${item.x:-{}}", "{}"],
    ["${item.x:-{a}", "{a"],
    ["${item.x:-${item.y:-${ARG}}}!", "65!"],
    ["${VAR:-${ARG}}", "${VAR:-65}"],
    ["${item.x|default:a b|upper}", "A B"],
    ["${item.x|default:'a | }'}", "a | }"],
    ["${item.x|upper|default:none}", "none"],
    ["${unknown|default:0} ${unknown.deep|default:N/A}", "0 N/A"],
    ["${unknown.deep:-INFO}", "${unknown.deep:-INFO}"],
    ["${coverage.spec:-no spec}", "no spec"],
  ])("%s is %j", (text, expected) => {
    expect(rendered(text)).toBe(expected);
  });

  test("in a prompt no shell fills in the default of an unknown name, so we do", () => {
    expect(rendered("${VAR:-x} ${VAR} ${a.b:-y} \\${VAR} \\$ARG", { target: "prompt" })).toBe("x ${VAR} y ${VAR} $ARG");
  });
});

describe("filters", () => {
  test.each([
    ["${item.name|sh}", "'it'\\''s'"],
    ["${names|sh}", "'a b' c"],
    ["${blank|sh}", "''"],
    ["${item.path|sh}", "src/a/main.rs"],
    ["${names|json} ${names:json}", '["a b","c"] ["a b","c"]'],
    ["${item.name|json}", '"it\'s"'],
    ["${names|lines}", "a b\nc"],
    ["${names:newline}", "a b\nc"],
    ["${names|csv} ${names:comma}", "a b,c a b,c"],
    ["${names|join: + }", "a b + c"],
    ["${names|join('\\n')}", "a b\nc"],
    ["${names|length} ${none|length} ${item|length} ${ARG|length}", "2 0 6 2"],
    ["${item.path|basename} ${item.path|dirname} ${ARG|dirname}", "main.rs src/a ."],
    ["${item.name|upper} ${names|upper|lower}", "IT'S a b, c"],
    ["${shell.output|trim}|${shell.output|first}|${shell.output|last}", "first\nsecond|first|second"],
    ["${names|first} ${none|first}.", "a b ."],
    ["${workflow.files_added:specs/*.md}", "specs/1.md specs/deep/2.md"],
    ["${workflow.files_added|glob:*.rs}", "src/x.rs"],
    ["${workflow.files_added|pattern:**/*.{rs,md}|length}", "3"],
    ["${workflow.files_added:*.{rs,py}}", "src/x.rs"],
    ["${workflow.files_added:lines}", "specs/1.md\nsrc/x.rs\nspecs/deep/2.md"],
  ])("%s is %j", (text, expected) => {
    expect(rendered(text)).toBe(expected);
  });

  test.each([
    ["${item.x|jsn}", 'did you mean "json"?'],
    ["a ${item.x:jsn}", 'did you mean "json"?'],
    ["${item.x|join}", expect.stringContaining("filters: json")],
    ["${item.x%.*}", expect.stringContaining("filters: json")],
    ["${VAR:-${item.x|jsn}}", 'did you mean "json"?'],
  ])("%s is refused when the workflow is loaded", (text, help) => {
    const parsed = parseTemplate(text);
    expect(parsed).toMatchObject({ ok: false, problem: { offset: text.indexOf("${item"), help } });
  });

  test("a known filter on a name that is nowhere is a problem, because no shell writes that", () => {
    expect(interpolate("${unknown|upper}", scope)).toMatchObject({ ok: false });
  });
});

const SHELL = [
  "$(date)",
  "`x`",
  "$?",
  "$$",
  "$!",
  "$@",
  "$*",
  "$#",
  "$-",
  "$0",
  "$1",
  "$10",
  "${10}",
  "$HOME",
  "${HOME}",
  "${VAR:-x}",
  "${VAR-x}",
  "${VAR:+y}",
  "${VAR:=z}",
  "${VAR:?m}",
  "${VAR%.*}",
  "${VAR%%/*}",
  "${VAR#*/}",
  "${VAR/a/b}",
  "${VAR^^}",
  "${VAR:0:3}",
  "${VAR: -3}",
  "${#VAR}",
  "${!VAR}",
  "${arr[0]}",
  "${arr[@]}",
  "${arr[*]}",
  "${#arr[@]}",
  "${arr[$i]}",
  "${{ github.sha }}",
  "${",
  "}",
  "${a",
  "$((1+2))",
  "\\$HOME",
  "\\${HOME}",
  "\\\\",
  "'$x'",
  "${date:0:10}",
  "${file:1}",
  "${json:0:4}",
  "$test",
  "${test}",
  "${step}",
  "{{x}}",
  " ",
  "\n",
  "é😀",
  "<<EOF",
  "$'\\n'",
  "$$$",
  "${spring.name:dev}",
  "${project.version}",
  "${VAR@Q}",
  "${count:0:1}",
];

describe("what is not ours", () => {
  test.each(SHELL)("%s stays byte for byte", (text) => {
    expect(rendered(text)).toBe(text);
  });

  test("any sequence of such things stays byte for byte", () => {
    // A dollar before "${" would be our escape, so the pieces are kept apart.
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...SHELL)), (pieces) => {
        expect(rendered(pieces.join(" "))).toBe(pieces.join(" "));
      }),
    );
  });

  test("text without a dollar sign is unchanged", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const plain = text.replaceAll("$", "#");
        expect(rendered(plain)).toBe(plain);
      }),
    );
  });

  test("an even number of backslashes escapes nothing", () => {
    expect(rendered("\\\\${ARG} \\\\\\${ARG} \\\\$ARG")).toBe("\\\\65 \\\\${ARG} \\\\65");
  });

  test("three dollars are the process id and a reference", () => {
    expect(rendered("$$${ARG} $$ARG")).toBe("$$65 $$ARG");
  });
});

describe("positional arguments", () => {
  test("they are filled in where that is asked for", () => {
    expect(rendered("$1-${2} $3 $12 ${ARG}", { positional: true })).toBe("alpha-beta $3 $12 65");
  });

  test("without arguments they stay", () => {
    expect(interpolate("$1", createScope([]), { positional: true })).toMatchObject({ text: "$1" });
  });
});

describe("what was used", () => {
  test("a rendering tells which names it filled in", () => {
    expect(interpolate("${ARG} $ARG ${item.a.b} ${HOME} ${item.x:-1} ${map.results[0].score}", scope)).toMatchObject({
      used: ["ARG", "item.a.b", "map.results[0].score"],
    });
  });

  test("a template lists its references without a scope, defaults included and escapes left out", () => {
    const parsed = parseTemplate("${item.a[0]} $HOME ${VAR:-${shell.output}} \\${no} $${no} $1 ${HOME}");
    expect(parsed.ok && listReferences(parsed.template)).toEqual(["item.a[0]", "HOME", "VAR", "shell.output", "1"]);
  });
});

describe("robustness", () => {
  test("parsing and rendering never throw, and a problem lies inside the text", () => {
    const noise = fc.string({
      unit: fc.constantFrom(...Array.from("$${}|:-[]\"'\\. *?0@"), "item", "name", "ARG", "json", "é😀"),
      maxLength: 60,
    });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), noise), (text) => {
        const result = interpolate(text, scope);
        if (result.ok) return;
        for (const problem of result.problems) {
          expect(text.slice(problem.offset, problem.offset + 2)).toBe("${");
          expect(problem.offset + problem.length).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test.each(["${", "${a:-", "${item.a:-{", "${item|", "\\", "$", "${a[", "${item.a|join:"])(
    "a long run of %j is read in linear time",
    (piece) => {
      const text = piece.repeat(20_000);
      const start = performance.now();
      interpolate(text, scope);
      // Quadratic time would need minutes here.
      expect(performance.now() - start).toBeLessThan(5000);
    },
  );
});

function rendered(text: string, options: RenderOptions = {}): string {
  const result = interpolate(text, scope, options);
  return result.ok ? result.text : JSON.stringify(result.problems);
}
