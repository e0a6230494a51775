import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseDocument } from 'yaml';
import { checkStage, type Findings, otherFiles, sandboxStage } from '../deployment/params/check.ts';

/** How `serverless.yml` takes the params of a stage. */
const reference = '${file(deployment/params.cjs)}';

/** What the file of a stage begins with, in YAML. It is refused until the URL and the hash are there. */
export const firstParams: Readonly<Record<string, string>> = {
  region: 'us-east-1',
  infinstorMlflowUrl: 'https://mlflow.<your service>',
  defaultBuild: '2.3.72',
  builds: '\'{"2.3.72": "<its SHA-256>"}\'',
};

interface StageFiles {
  /** The text of `serverless.yml`. */
  serverless: string;
  /** The text of `stages/default.yml`. */
  defaults: string;
  /** The text of the stage's own file, if there is one. */
  own: string | undefined;
  /** The names of all stages that have a file. */
  stages: readonly string[];
}

/**
 * The files that a stage's params are in.
 * @param root the project's folder
 */
export async function stageFiles(root: string, stage: string): Promise<StageFiles> {
  const read = (path: string) => readFile(join(root, path), 'utf8');
  const stages = (await readdir(join(root, 'stages')))
    .flatMap((name) => /^(.*)\.yml$/.exec(name)?.[1] ?? [])
    .filter((name) => !otherFiles.includes(name))
    .sort();
  return {
    serverless: await read('serverless.yml'),
    defaults: await read('stages/default.yml'),
    own: stages.includes(stage) ? await read(`stages/${stage}.yml`) : undefined,
    stages,
  };
}

/**
 * What is wrong with the params of a stage, before they are packaged.
 * @throws Error when `stages/default.yml` is not what it is made of
 */
export function checkParams(files: StageFiles, stage: string): Findings {
  const former = formerSections(files.serverless);
  if (former !== undefined) return { broken: [former], unchecked: [] };
  if (files.own === undefined) return { broken: [missingFile(stage, files.stages)], unchecked: [] };
  return checkStage({ defaults: files.defaults, own: files.own }, stage);
}

/** What to do with params in `serverless.yml`, where they were before each stage had a file. */
function formerSections(text: string): string | undefined {
  const document = parseDocument(text, { logLevel: 'silent' });
  const content = v.safeParse(v.looseObject({ params: v.optional(v.unknown()) }), document.toJS());
  const params = content.success ? content.output.params : undefined;
  if (document.errors.length === 0 && params === reference) return undefined;
  // A file that is no YAML, as a merge leaves it that kept both sides, may have been read as anything.
  const sections = document.errors.length === 0 && v.is(v.looseObject({}), params) ? Object.keys(params) : [];
  const moved = sections
    .filter((name) => name !== 'default' && name !== sandboxStage)
    .map((name) => ` Move what is below \`params.${name}\` into a file stages/${name}.yml, without its indentation.`);
  return `serverless.yml: must have the line \`params: ${reference}\` and no params itself, which are in a file for each stage.${
    moved.length > 0 ? moved.join('') : ' Move what is below the name of a stage into stages/<stage>.yml.'
  } What you have changed below \`params.default\` goes there, too (docs/deploying.md, step 2).`;
}

function missingFile(stage: string, stages: readonly string[]): string {
  const others = stages.filter((name) => name !== sandboxStage);
  const misspelt = others.length === 0 ? '' : ` There is: ${others.join(', ')}.`;
  if (otherFiles.includes(stage))
    return `stages/${stage}.yml is for all stages: no stage can have this name.${misspelt}`;
  const lines = Object.entries(firstParams).map(([name, value]) => `${name}: ${value}\n`);
  return `The stage ${stage} has no file stages/${stage}.yml.${misspelt} \`npm start -- init ${stage}\` makes it; or copy stages/example.yml, which explains every param, or write this, as docs/deploying.md says in step 2:

# yaml-language-server: $schema=../schemas/stage.json
${lines.join('')}`;
}
