import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

test("validate --fix shows what it would change, writes with -y, and then finds nothing more", async () => {
  await using rig = await newRig();
  const old = "# kept\n- shell: make # too\n  retry_config: 2\n";
  rig.write("a.yml", old);
  const shown = rig.prodigy(["validate", "a.yml", "--fix"]);

  expect([shown.code, rig.read("a.yml")]).toEqual([0, old]);
  expect(shown.stdout).toContain("-  retry_config: 2\n+  retry: 2\n");
  expect(rig.prodigy(["validate", "a.yml", "--fix", "-y", "--dry-run"]).stdout).toContain("nothing written");
  expect(rig.prodigy(["validate", "a.yml", "--fix", "-y"]).code).toBe(0);
  expect(rig.read("a.yml")).toBe(old.replace("retry_config", "retry"));
  expect(rig.prodigy(["validate", "a.yml", "--fix"]).stdout).toContain("a.yml: nothing to fix");
});
