import * as v from 'valibot';
import { expect } from 'vitest';
import { choose } from '../../../cli/choose.ts';
import { commandTable } from '../../../cli/command-table.ts';
import { documents, lines, unknownDocument } from '../../../cli/documents/documents.ts';

/**
 * Expects what a command has printed for other programs to be as its schema says. Nothing is expected of what is for people.
 * @param args what it was called with
 * @param isTour whether that was `npm start`
 */
export function expectValid(args: readonly string[], stdout: string, isTour: boolean): void {
  const isLines = args.includes('--jsonl');
  // Its help is no document, also with --json.
  if ((!isLines && !args.includes('--json')) || args.some((arg) => /^(--help|-h|help)$/.test(arg))) return;
  const command = commandOf(args, isTour);
  const isOneDocument = !isLines && command?.jsonLines !== true;
  const schema = command === undefined ? unknownDocument : (isLines ? lines : documents).get(command.name);
  if (schema === undefined) throw new Error(`${command?.name} has no schema in cli/documents`);
  for (const text of isOneDocument ? [stdout] : stdout.trimEnd().split('\n')) {
    // A process that was ended has printed nothing.
    if (text === '') continue;
    const document: unknown = JSON.parse(text);
    const { issues } = v.safeParse(schema, document);
    expect(issues === undefined ? [] : v.flatten(issues), `${args.join(' ')}: ${text}`).toEqual([]);
  }
}

function commandOf(args: readonly string[], isTour: boolean) {
  try {
    return choose(args, { name: '', isTour }, commandTable).command;
  } catch {
    return undefined;
  }
}
