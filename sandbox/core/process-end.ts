import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The status of a program that a closed pipe has ended, as shells say it. */
const closedPipe = 128 + constants.signals.SIGPIPE;

/**
 * Ends the process on Ctrl-C and its like, and when its output cannot be written any more, with the status that shells give
 * such an end. It ends without waiting for anything, so that there is no closing that a second signal could break off;
 * temporary folders go with it.
 * @param sayGoodbye what is still to be said on a signal
 */
export function endWithSignals(sayGoodbye: () => void = () => {}): void {
  for (const signal of signals) {
    process.on(signal, () => {
      sayGoodbye();
      process.exit(128 + constants.signals[signal]);
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      const code = 'code' in error ? String(error.code) : error.message;
      if (code === 'EPIPE') process.exit(closedPipe);
      // Such as a full disk: the output is lost, and a stack trace would say no more. A stderr that fails says nothing.
      if (stream === process.stdout) process.stderr.write(`The output cannot be written: ${code}\n`);
      process.exit(1);
    });
  }
}
