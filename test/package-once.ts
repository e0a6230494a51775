import type { TestProject } from 'vitest/node';
import { packageForSandbox } from '../scripts/package.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What `osls package` made of the project, for the sandboxes and the tests of the template. */
    packageFolder: string;
    /** The same of a deployment that lets drift of key policies be repaired. */
    repairingPackageFolder: string;
  }
}

/** vitest's global setup: packages the project once for all test files. */
export async function setup({ provide }: TestProject): Promise<void> {
  const [packageFolder, repairingPackageFolder] = await Promise.all([
    packageForSandbox(),
    packageForSandbox({ repairKeyPolicies: 'true' }),
  ]);
  provide('packageFolder', packageFolder);
  provide('repairingPackageFolder', repairingPackageFolder);
}
