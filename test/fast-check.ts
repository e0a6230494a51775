import fc from 'fast-check';

// How many runs each property has; `npm run test:long` asks for more.
fc.configureGlobal({ numRuns: Number(process.env.FAST_CHECK_RUNS ?? 1000) });
