import { defineConfig } from 'vitest/config';

// Tests that run what is deployed, or the commands: only these wait for the package.
const packaged = [
  'test/unit/cli/ends.test.ts',
  'test/unit/build/package.test.ts',
  'test/workflow/**/*.test.ts',
  'test/permissions/permissions.test.ts',
  'test/unit/functions/patch-key-policy/burst.test.ts',
  'test/docs/other-accounts.test.ts',
  'test/docs/runbook-walk.test.ts',
  'test/docs/terminal.test.ts',
  'test/unit/sandbox/account-region-services.test.ts',
  'test/unit/sandbox/deploy-again.test.ts',
  'test/unit/sandbox/quotas.test.ts',
];

const shared = {
  // The files of a project share processes, and with them modules and worker threads: every file leaves both as they were.
  isolate: false,
  // A hang is found by the sandbox's clock, which has nothing left to do. This is for one that the clock does not see.
  testTimeout: 15 * 60_000,
  hookTimeout: 15 * 60_000,
  // Names of tests are whole, so that runs can be compared by them.
  taskTitleValueFormatTruncate: 0,
} as const;

export default defineConfig({
  test: {
    // The default leaves a core to the main process, which has nothing to do meanwhile.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: packaged,
          setupFiles: ['test/fast-check.ts', 'test/unit-setup.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'workflow',
          include: packaged,
          // Packages the project once.
          globalSetup: ['test/package-once.ts'],
          setupFiles: ['test/fast-check.ts'],
        },
      },
    ],
  },
});
