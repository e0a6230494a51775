import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandError } from '../command-error.ts';
import { type OslsEnd, type OslsRun, runOsls } from './osls.ts';

/** Where deployments are made, and what stands in for it in a test. */
export interface Clone {
  /** The project's folder. */
  root: string;
  /** Packages a stage into `.serverless/`. @throws Error with all that is wrong */
  packageStage(stage: string): Promise<{ unchecked: string[] }>;
  /** Runs osls there. @param onLine is called with each line that it writes */
  osls(run: OslsRun, onLine: (line: string) => void): Promise<OslsEnd>;
}

/**
 * The clone of the project that the command runs in: what is packaged are its sources, by the tool that is locked there.
 * @throws CommandError named SourcesNotHere
 */
export function cloneHere(): Clone {
  // Of the source as of the bundle.
  const root = resolve(import.meta.dirname, '../..');
  const tool = join(root, 'node_modules/osls/bin/serverless.js');
  if (!existsSync(join(root, 'serverless.yml')) || !existsSync(tool)) {
    throw new CommandError(
      'SourcesNotHere',
      'A stage is deployed and removed from the sources, which the packed command does not have',
      'Run it in a clone of the project: `npm start -- deploy STAGE`.',
    );
  }
  return {
    root,
    // Loaded here, since only a clone has it.
    packageStage: async (stage) => (await import('../../scripts/package-stage.ts')).packageStage(stage, root),
    osls: (run, onLine) => runOsls({ root, tool, ...run }, onLine),
  };
}
