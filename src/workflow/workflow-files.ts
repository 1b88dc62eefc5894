/** How other files come into a workflow. Whoever calls the parser says how they are read, so that the language stays pure. */
export interface WorkflowFiles {
  /** Opens the first of the paths that is there. Relative paths start in the folder of the file `from`. */
  readonly open: (paths: readonly string[], from: string) => OpenedFile;
  /** Opens a template of the registry. */
  readonly template: (name: string) => OpenedFile;
}

export type OpenedFile =
  | {
      readonly ok: true;
      /** The same for each way to the same file. */
      readonly id: string;
      /** As messages show it. */
      readonly file: string;
      readonly text: string;
    }
  | { readonly ok: false; readonly reason: string };
