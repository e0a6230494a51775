// What `infinstor-onboarding` runs.

import { endWithSignals } from '../sandbox/core/process-end.ts';
import { run } from './run.ts';

const running = run(process.argv.slice(2), { name: 'infinstor-onboarding', isTour: false });
endWithSignals(() => running.sayGoodbye());
// Not awaited at the top: the bundle is CommonJS.
void running.status.then((status) => {
  process.exitCode = status;
});
