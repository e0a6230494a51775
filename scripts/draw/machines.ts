import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import * as v from 'valibot';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'statemachine');
const page = join(root, 'docs', 'machines.md');

const definitionSchema = v.object({
  Comment: v.string(),
  StartAt: v.string(),
  States: v.record(
    v.string(),
    v.object({
      Comment: v.string(),
      Next: v.optional(v.string()),
      End: v.optional(v.boolean()),
      Default: v.optional(v.string()),
      Choices: v.optional(v.array(v.looseObject({ Next: v.string() })), []),
      Catch: v.optional(v.array(v.object({ ErrorEquals: v.array(v.string()), Next: v.string() })), []),
    }),
  ),
});

/** The page `docs/machines.md`: a diagram and a table of states for every definition in `statemachine/`. */
export async function machinesPage(): Promise<string> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.asl.json')).sort();
  const machines = await Promise.all(
    files.map(async (file) => {
      const definition = v.parse(definitionSchema, JSON.parse(await readFile(join(folder, file), 'utf8')));
      return draw(basename(file, '.asl.json'), definition);
    }),
  );
  return `${['# The state machines', 'Generated from `statemachine/` by `npm run draw-machines`. Beside what is drawn, each state retries what `statemachine/retriers.yml` has for it.', ...machines].join('\n\n')}\n`;
}

/** A choice's rule as text, such as `progress.hasMore`. */
function condition({ Variable, BooleanEquals, ...others }: Record<string, unknown>): string {
  if (typeof Variable !== 'string' || BooleanEquals !== true || Object.keys(others).length > 0) {
    throw new Error(`No words for the rule ${JSON.stringify({ Variable, BooleanEquals, ...others })}`);
  }
  return Variable.replace(/^\$\./, '');
}

function draw(name: string, { Comment, StartAt, States }: v.InferOutput<typeof definitionSchema>): string {
  const edges = Object.entries(States).flatMap(([state, { Next, End, Catch, Choices, Default }]) => [
    ...(Next === undefined ? [] : [`${state} --> ${Next}`]),
    ...Choices.map(({ Next: target, ...rule }) => `${state} --> ${target}: ${condition(rule)}`),
    ...(Default === undefined ? [] : [`${state} --> ${Default}: otherwise`]),
    ...(End ? [`${state} --> [*]`] : []),
    ...Catch.map(({ ErrorEquals, Next: target }) => `${state} --> ${target}: ${ErrorEquals.join(', ')}`),
  ]);
  const rows = Object.entries(States).map(([state, definition]) => `| ${state} | ${definition.Comment} |`);
  return [
    `## ${name}`,
    Comment,
    ['```mermaid', 'stateDiagram-v2', ...[`[*] --> ${StartAt}`, ...edges].map((edge) => `  ${edge}`), '```'].join('\n'),
    ['| State | Does |', '|---|---|', ...rows].join('\n'),
  ].join('\n\n');
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) await writeFile(page, await machinesPage());
