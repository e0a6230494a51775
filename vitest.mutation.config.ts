import { defineConfig } from 'vitest/config';

// The tests that `npm run mutation` repeats for each mutant. They need no package of the project.
export default defineConfig({
  test: {
    include: [
      'test/functions/deploy-stack/*.test.ts',
      'test/functions/shared/{canonical-policy,stack-decision,stack-status,update-request,users-request}.test.ts',
      'test/functions/shared/{key-policy,request}/*.test.ts',
      'test/sandbox/policy*.test.ts',
    ],
    setupFiles: ['test/fast-check.ts', 'test/unit-setup.ts'],
  },
});
