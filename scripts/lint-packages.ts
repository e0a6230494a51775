// Has cfn-lint, which is no part of the project, look at the packages of several deployments, and at the templates for other accounts.

import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { packageForSandbox } from '../build/package.ts';
import { makeTemporaryFolder } from '../build/temporary-folder.ts';
import { variants } from './package-variants.ts';

const root = resolve(import.meta.dirname, '..');

/** What cfn-lint may find, and why it stays. */
const exceptions = {
  W3005: 'DependsOn beside a reference is written by osls, and harmless',
  W1020: 'Fn::Sub without a variable: a value of the param customResourceFunctions may have one',
};

const templateSchema = v.looseObject({
  Resources: v.record(
    v.string(),
    v.looseObject({
      Type: v.string(),
      Properties: v.optional(v.looseObject({ DefinitionString: v.optional(v.unknown()) })),
    }),
  ),
});

const substitutionSchema = v.object({
  'Fn::Sub': v.union([
    v.string(),
    v.pipe(
      v.tuple([v.string(), v.unknown()]),
      v.transform(([text]) => text),
    ),
  ]),
});

/** The template with its state machines' definitions as literals: cfn-lint does not look into `Fn::Sub`. */
function withLiteralDefinitions(text: string): string {
  const { Resources, ...template } = v.parse(templateSchema, JSON.parse(text));
  const literal = Object.entries(Resources).map(([logicalId, resource]) => {
    const { DefinitionString, ...properties } = resource.Properties ?? {};
    if (DefinitionString === undefined) return [logicalId, resource] as const;
    const { 'Fn::Sub': sub } = v.parse(substitutionSchema, DefinitionString);
    const definition = sub.replace(/\$\{[^}]+\}/g, 'arn:aws:lambda:us-east-1:111111111111:function:step');
    return [logicalId, { ...resource, Properties: { ...properties, DefinitionString: definition } }] as const;
  });
  return JSON.stringify({ ...template, Resources: Object.fromEntries(literal) });
}

function lint(region: string, files: readonly string[]): boolean {
  const ignored = Object.keys(exceptions).flatMap((rule) => ['-i', rule]);
  const { status } = spawnSync('cfn-lint', [...ignored, '-r', region, '-t', ...files], { cwd: root, stdio: 'inherit' });
  return status === 0;
}

if (spawnSync('cfn-lint', ['--version']).status !== 0) {
  process.stdout.write('cfn-lint is not on this machine: the packages are not checked\n');
} else {
  const folder = makeTemporaryFolder(join(root, '.sandbox', 'lint-'));
  for (const [name, { region, params }] of Object.entries(variants)) {
    const packaged = join(await packageForSandbox(params), 'cloudformation-template-update-stack.json');
    const file = join(folder.path, `${region}.json`);
    await writeFile(file, withLiteralDefinitions(await readFile(packaged, 'utf8')));
    const others = name === 'default' ? ['deployment/other-account.yaml', 'deployment/forward-events.yaml'] : [];
    const isClean = lint(region, [file, ...others]);
    process.stdout.write(`${name}: ${isClean ? 'no finding' : 'findings'}\n`);
    if (!isClean) process.exitCode = 1;
  }
}
