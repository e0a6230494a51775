import fc from 'fast-check';
import { byScope } from './scope.ts';

// How many runs each property has.
fc.configureGlobal({ numRuns: byScope({ usual: 100, all: 1000, long: 10_000 }) });
