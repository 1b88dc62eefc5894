// Filled in from package.json: by scripts/build.mjs in the built program, by vitest.config.ts in tests of the source.
declare const __PRODIGY_VERSION__: string;

/** The version of Prodigy that is running. */
export const version: string = __PRODIGY_VERSION__;
