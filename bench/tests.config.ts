import { resolve } from 'node:path';
import { defineConfig, mergeConfig, type TestProjectConfiguration } from 'vitest/config';
import tests from '../vitest.config.ts';
import { record } from './tests-record.ts';

// The tests as they are, and what each file uses.
const root = resolve(import.meta.dirname, '..');
process.on('exit', () => record({ of: 'vitest' }));

export default defineConfig({
  ...tests,
  root,
  test: { ...tests.test, projects: tests.test?.projects?.map(measured) ?? [] },
});

function measured(project: TestProjectConfiguration): TestProjectConfiguration {
  if (typeof project !== 'object' || !('test' in project)) throw new Error('A project is more than its settings');
  const first = mergeConfig({ root, test: { setupFiles: ['bench/tests-file.ts'] } }, project);
  return mergeConfig(first, { test: { globalSetup: ['bench/tests-packaged.ts'] } });
}
