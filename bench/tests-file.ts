// A setup file of the tests while they are measured: writes down what each test file has used.
import { afterAll, beforeEach, expect } from 'vitest';
import { record } from './tests-record.ts';

const start = performance.now();
let tests = 0;
beforeEach(() => {
  tests += 1;
});
// As the first setup file it has the last word.
afterAll(() => {
  const wallSeconds = (performance.now() - start) / 1000;
  record({ of: 'file', file: expect.getState().testPath ?? '', tests, wallSeconds });
});
