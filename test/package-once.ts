import type { TestProject } from 'vitest/node';
import { packageForSandbox } from '../build/package.ts';
import { hundredAccounts } from '../tools/permissions/other-account.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What `osls package` made of the project, for the sandboxes and the tests of the template. */
    packageFolder: string;
    /** The same of a deployment that lets drift of key policies be repaired. */
    repairingPackageFolder: string;
    /** The same of a deployment that works in a hundred other accounts, too, and takes requests from them. */
    accountsPackageFolder: string;
  }
}

/** vitest's global setup: packages the project once for all test files. */
export async function setup({ provide }: TestProject): Promise<void> {
  const [packageFolder, repairingPackageFolder, accountsPackageFolder] = await Promise.all([
    packageForSandbox(),
    packageForSandbox({ repairKeyPolicies: 'true' }),
    packageForSandbox({
      accounts: JSON.stringify(hundredAccounts),
      eventSources: Object.keys(hundredAccounts).join(','),
    }),
  ]);
  provide('packageFolder', packageFolder);
  provide('repairingPackageFolder', repairingPackageFolder);
  provide('accountsPackageFolder', accountsPackageFolder);
}
