// What `npm start` runs: the command, and without words a tour of it in a sandbox.

import { endWithSignals } from '../sandbox/core/process-end.ts';
import { run } from './run.ts';

const running = run(process.argv.slice(2), { name: 'npm start --', isTour: true });
endWithSignals(() => running.sayGoodbye());
process.exitCode = await running.status;
