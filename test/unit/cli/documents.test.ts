import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { commandTable } from '../../../cli/command-table.ts';
import { documents, lines } from '../../../cli/documents/documents.ts';
import { outputFile, schemas } from '../../../scripts/draw/schemas.ts';
import { expectValid } from './valid-document.ts';

const published = await schemas();
const ajv = new Ajv({ strict: false });

describe('what commands print for other programs', () => {
  it('has a schema for each command, and for each that prints lines', () => {
    expect([...documents.keys()].toSorted()).toEqual(commandTable.map(({ name }) => name).toSorted());
    const withLines = commandTable.filter(({ options }) => 'jsonl' in options).map(({ name }) => name);
    expect([...lines.keys()].toSorted()).toEqual(withLines.toSorted());
  });

  it.each(commandTable)(
    'is valid when $name fails, also by the schema that is published, which takes new members',
    ({ name, onFailure }) => {
      const error = { name: 'CommandFailed', step: null, message: 'It failed', remedy: 'Mend it.' };
      const isValid = ajv.compile(published.get(outputFile(name)) ?? false);
      for (const words of [[], ['acme']]) {
        const failure = { schemaVersion: 1, status: 'FAILED', ...onFailure?.(undefined, words), error };
        expectValid([name, '--json'], JSON.stringify(failure), false);
        expect(isValid({ ...failure, isNew: true })).toBe(true);
        expect(isValid({ ...failure, error: { ...error, remedy: 1 } })).toBe(false);
      }
    },
  );

  it('is refused when it is another document', () => {
    const document = { schemaVersion: 1, status: 'FAILED', error: { name: 'x', step: null, message: 'y' } };
    for (const { name } of commandTable) {
      expect(() => expectValid([name, '--json'], JSON.stringify(document), false), name).toThrow();
    }
    expect(() => expectValid(['version', '--json'], '{"schemaVersion":2,"version":"1.0.0"}', false)).toThrow();
  });
});
