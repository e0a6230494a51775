import { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { defineConfig, mergeConfig, type TestProjectConfiguration } from 'vitest/config';
import tests from '../vitest.config.ts';
import { record } from './tests-record.ts';

// The tests as they are, and what each file uses.
const root = resolve(import.meta.dirname, '..');
process.on('exit', () => record({ of: 'vitest' }));

// A process of tests gets half a second to end, and is killed then. To write its profiles takes longer.
const { kill } = ChildProcess.prototype;
ChildProcess.prototype.kill = function (signal) {
  const isAtItsEnd = signal === 'SIGKILL' && this.spawnargs.some((arg) => arg.endsWith('/workers/forks.js'));
  return isAtItsEnd || kill.call(this, signal);
};

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
