import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { packageProject } from '../build/package.ts';
import { checkParams, stageFiles } from './check-params.ts';

/**
 * Packages the deployment of a stage into `.serverless/`, after its params have been checked.
 * @param root the project's folder
 * @returns the params that only osls knows the values of, and that are so not checked
 * @throws Error with all that is wrong with the params, that osls or esbuild reported, or that AWS would refuse
 */
export async function packageStage(
  stage: string,
  root = resolve(import.meta.dirname, '..'),
): Promise<{ unchecked: string[] }> {
  const { broken, unchecked } = checkParams(await stageFiles(root, stage), stage);
  if (broken.length > 0) {
    // Else the next command could deploy what was packaged before.
    await rm(join(root, '.serverless'), { recursive: true, force: true });
    throw new Error([`The params of stage ${stage} cannot be packaged.`, ...broken].join('\n'));
  }
  await packageProject({ stage, folder: root });
  return { unchecked };
}
