// What `npm start` runs: the command, and without words a tour of it in a sandbox.

import { endWithSignals } from '../sandbox/core/process-end.ts';
import { run } from './run.ts';

let running: ReturnType<typeof run> | undefined;
// Before anything is printed, which a full disk or a closed pipe can end.
endWithSignals(() => running?.sayGoodbye());
running = run(process.argv.slice(2), { name: 'npm start --', isTour: true });
process.exitCode = await running?.status;
