import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** The lines that a function has logged since somebody asked last. */
export interface NewLines {
  functionName: string;
  lines: readonly string[];
}

/** Reads files that grow, each time what has come since the last one; a line that is not whole yet is read later. */
export function createLogReader(): (functionName: string, file: string) => NewLines {
  const read = new Map<string, number>();
  return (functionName, file) => {
    const from = read.get(file) ?? 0;
    const { size } = statSync(file);
    if (size <= from) return { functionName, lines: [] };
    const buffer = Buffer.alloc(size - from);
    const opened = openSync(file, 'r');
    try {
      readSync(opened, buffer, 0, buffer.length, from);
    } finally {
      closeSync(opened);
    }
    const end = buffer.lastIndexOf(10) + 1;
    read.set(file, from + end);
    return { functionName, lines: end === 0 ? [] : buffer.toString('utf8', 0, end - 1).split('\n') };
  };
}
