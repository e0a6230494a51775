import { record } from './tests-record.ts';

/** vitest's last global setup: the child processes until now were those that package. */
export function setup(): void {
  record({ of: 'packaged' });
}
