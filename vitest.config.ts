import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Packages the project once: the workflow tests run what is deployed.
    globalSetup: ['test/package-once.ts'],
    setupFiles: ['test/fast-check.ts'],
    // The default leaves a core to the main process, which has nothing to do meanwhile.
    maxWorkers: '100%',
    // Whole runs boot a sandbox of their own; the limit is for a hang, not for speed.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 20_000, interval: 20 } },
  },
});
