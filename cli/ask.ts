import { createInterface } from 'node:readline/promises';
import { CommandError } from './command-error.ts';
import { printable } from './view/terminal.ts';

/**
 * Asks somebody at the terminal, on stderr.
 * @param isLeft what is as it was when there is no answer, as a sentence
 * @throws CommandError named NotAnswered for Ctrl-C and Ctrl-D in place of an answer
 */
export async function ask(question: string, isLeft: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Without an answer the promise of Ctrl-D would never settle.
  const ended = new AbortController();
  lines.once('close', () => ended.abort());
  try {
    return (await lines.question(printable(question), { signal: ended.signal })).trim();
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    throw new CommandError('NotAnswered', 'There was no answer', `${isLeft} Run the command again.`);
  } finally {
    lines.close();
  }
}
