import packageJson from '../../package.json' with { type: 'json' };
import type { Outcome } from '../command.ts';

/** The version of the project that the command is of. */
export function version(): Outcome {
  return { document: { version: packageJson.version }, text: `${packageJson.version}\n` };
}
