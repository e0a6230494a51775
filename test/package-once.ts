import { packageProject } from '../scripts/package.ts';

/** vitest's global setup: leaves `.serverless/` as the sandbox and the tests of the template need it. */
export async function setup(): Promise<void> {
  await packageProject();
}
