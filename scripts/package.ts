// Packages the deployment of a stage, after its params have been checked.

import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { packageProject } from '../build/package.ts';
import { checkParams, stageFiles } from './check-params.ts';
import { packageArguments, packageHelp } from './package-arguments.ts';

const root = resolve(import.meta.dirname, '..');

async function packageStage(stage: string): Promise<void> {
  const { broken, unchecked } = checkParams(await stageFiles(root, stage), stage);
  if (broken.length > 0) {
    // Else the next command could deploy what was packaged before.
    await rm(join(root, '.serverless'), { recursive: true, force: true });
    throw new Error([`The params of stage ${stage} cannot be packaged.`, ...broken].join('\n'));
  }
  await packageProject({ stage, folder: root });
  if (unchecked.length > 0) {
    process.stderr.write(`Not checked, because only osls knows the values: ${unchecked.join(', ')}\n`);
  }
  process.stdout.write(`Packaged stage ${stage} into .serverless/\n`);
}

try {
  const given = packageArguments(process.argv.slice(2));
  if (given === 'help') process.stdout.write(packageHelp);
  else await packageStage(given.stage);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
