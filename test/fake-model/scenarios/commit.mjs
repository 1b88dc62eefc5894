// Writes a file with the file tool, commits it with the shell tool, says so.
export const scenario = {
  rules: [
    {
      name: "commit",
      when: { prompt: /commit (?<file>\S+)/ },
      steps: [
        {
          thinking: "A file first.",
          text: "Writing the file.",
          write: { path: "{{file}}", content: "hello\n" },
          usage: { input: 1000, output: 200, cacheWrite: 500 },
        },
        {
          sh: 'git add {{file}} && git -c user.name=t -c user.email=t@t commit -q -m "add {{file}}" && git log --oneline | head -1',
          usage: { input: 1500, output: 100, cacheRead: 500 },
        },
        { text: "Committed {{file}}.", usage: { input: 2000, output: 50, cacheRead: 1000 } },
      ],
    },
  ],
};
