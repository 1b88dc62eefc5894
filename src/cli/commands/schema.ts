import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { workflowJsonSchema } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { errorText } from "../render/failure.ts";
import { styleFor } from "../render/style.ts";
import type { Run } from "../shell.ts";
import { expandHome, inputFault } from "../workflow-file.ts";

/** `prodigy schema` */
export const schema: Run = async ({ shell, values }) => {
  const text = `${JSON.stringify(workflowJsonSchema(), null, 2)}\n`;
  const file = values.text("output");
  if (file === null) {
    shell.stdout.write(text);
    return EXIT_CODES.done;
  }
  try {
    await writeFile(resolve(shell.cwd, expandHome(file, shell.env)), text);
    return EXIT_CODES.done;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const fault = inputFault(`failed to write ${file}: ${reason}`);
    shell.stderr.write(errorText(fault, styleFor(shell.stderr, shell.env)));
    return EXIT_CODES.failed;
  }
};
