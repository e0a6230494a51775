export default {
  mutate: [
    'functions/deploy-stack/deploy-stack.ts',
    'lib/keys/canonical.ts',
    'lib/keys/key-policy.ts',
    'lib/keys/policy-document.ts',
    'lib/requests/fields.ts',
    'lib/requests/onboarding.ts',
    'lib/stacks/decision.ts',
    'lib/stacks/status.ts',
    'lib/requests/update.ts',
    'lib/requests/users.ts',
    'sandbox/core/policies/policy.ts',
    'sandbox/core/policies/policy-conditions.ts',
    'sandbox/core/policies/policy-document.ts',
  ],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  // Only what the tests need is copied; without tsconfig.json, which Stryker would read with an API that TypeScript 7 lacks.
  ignorePatterns: ['**', '!{functions,lib,sandbox,build,test}/**/*.ts', '!{package.json,vitest.mutation.config.ts}'],
  reporters: ['clear-text', 'html'],
  clearTextReporter: { reportTests: false },
  thresholds: { break: 100 },
};
