import type { TestProject } from 'vitest/node';
import { packageForSandbox } from '../scripts/package.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What `osls package` made of the project, for the sandboxes and the tests of the template. */
    packageFolder: string;
  }
}

/** vitest's global setup: packages the project once for all test files. */
export async function setup({ provide }: TestProject): Promise<void> {
  provide('packageFolder', await packageForSandbox());
}
