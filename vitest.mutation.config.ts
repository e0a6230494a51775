import { defineConfig } from 'vitest/config';

// The tests that `npm run mutation` repeats for each mutant. They need no package of the project.
export default defineConfig({
  test: {
    include: [
      'test/unit/functions/deploy-stack/*.test.ts',
      'test/unit/lib/{keys/canonical,keys/writable,stacks/decision,stacks/status,requests/own-secrets,requests/update,requests/users}.test.ts',
      'test/unit/lib/{keys/key-policy,requests/onboarding}/*.test.ts',
      'test/unit/sandbox/core/policies/policy*.test.ts',
    ],
    setupFiles: ['test/fast-check.ts', 'test/unit-setup.ts'],
  },
});
