/** What `prodigy template init` writes. */
export const EXAMPLE_FILES: Readonly<Record<string, string>> = {
  "refactor-example.yml": `# A template: workflows take its steps with \`template: refactor-example\` and fill in its parameters.
parameters:
  required:
    - name: target
      type: string
      description: the file or folder to refactor
  optional:
    - name: check
      type: string
      description: the command that must pass afterwards
      default: npm test
commands:
  - claude: "/refactor \${params.target}"
  - shell: "\${params.check}"
    on_failure:
      claude: "/fix-tests"
`,
  "refactor-example.meta.json": `{
  "description": "Refactor one place, then check that all still works",
  "author": null,
  "version": "1.0.0",
  "tags": ["example", "refactor"],
  "created_at": null,
  "updated_at": null
}
`,
  "README.md": `# Templates

Each \`NAME.yml\` is a template, and \`NAME.meta.json\` says what it is for. A workflow uses one by its name:

    template:
      source: { registry: refactor-example }
      with:
        target: src/parser
      override:
        commands[0].timeout: 20m

\`.prodigy/templates\` of a project is looked at first, then the store of the user. \`prodigy template list\` shows both,
\`prodigy template register FILE -n NAME\` adds one, \`prodigy template validate FILE\` checks a file.
`,
};
