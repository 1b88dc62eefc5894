import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";

const manifest: { version: string } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

const SECOND = 1_000;

export default defineConfig({
  // What scripts/build.mjs defines for the built program.
  define: { __PRODIGY_VERSION__: JSON.stringify(manifest.version) },
  test: {
    // Processes, not threads: tests send signals and use real children.
    pool: "forks",
    // Vitest leaves one core to itself; on two cores that would leave one for the tests, which mostly wait.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    passWithNoTests: true,
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["src/**/*.test.ts"], testTimeout: 60 * SECOND },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "test/long/**", "test/soak/**", "test/real-agents/**"],
          testTimeout: 60 * SECOND,
          hookTimeout: 60 * SECOND,
        },
      },
      {
        extends: true,
        // What is worth minutes, but not at every `npm test`.
        test: { name: "long", include: ["test/long/**/*.test.ts"], testTimeout: 300 * SECOND },
      },
      {
        extends: true,
        test: {
          name: "soak",
          include: ["test/soak/**/*.test.ts"],
          // A soak measures time and memory, so one file has the machine to itself.
          fileParallelism: false,
          testTimeout: 3_600 * SECOND,
          hookTimeout: 60 * SECOND,
        },
      },
      {
        extends: true,
        test: {
          name: "real-agents",
          include: ["test/real-agents/**/*.test.ts"],
          exclude: [...configDefaults.exclude],
          fileParallelism: false,
          testTimeout: 300 * SECOND,
          hookTimeout: 60 * SECOND,
        },
      },
    ],
  },
});
