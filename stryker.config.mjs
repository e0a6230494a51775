export default {
  mutate: [
    'functions/deploy-stack/deploy-stack.ts',
    'functions/shared/canonical-policy.ts',
    'functions/shared/key-policy.ts',
    'functions/shared/request.ts',
    'functions/shared/stack-decision.ts',
    'functions/shared/stack-status.ts',
    'functions/shared/update-request.ts',
    'functions/shared/users-request.ts',
    'sandbox/policy.ts',
    'sandbox/policy-conditions.ts',
    'sandbox/policy-document.ts',
  ],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  // Only what the tests need is copied; without tsconfig.json, which Stryker would read with an API that TypeScript 7 lacks.
  ignorePatterns: ['**', '!{functions,sandbox,test}/**/*.ts', '!{package.json,vitest.mutation.config.ts}'],
  reporters: ['clear-text', 'html'],
  clearTextReporter: { reportTests: false },
  thresholds: { break: 100 },
};
