import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isOwnError, nextStepFor, runbookLinkFor } from '../../../../cli/view/next-step.ts';
import * as errors from '../../../../lib/errors.ts';

const names = Object.entries(errors).flatMap(([name, value]) =>
  typeof value === 'function' && 'remedy' in value ? [name] : [],
);
const anchors = [
  ...readFileSync(join(import.meta.dirname, '../../../../docs/runbook.md'), 'utf8').matchAll(/^#+ (.+)$/gm),
].map(([, heading = '']) =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-'),
);

describe('nextStepFor', () => {
  it.each(names)('agrees with the remedy of %s', (name) => {
    expect(isOwnError(name)).toBe(true);
    const remedy = errors.remedyFor(name);
    if (nextStepFor(name) === 'redrive') expect(remedy).toMatch(/redrive the execution/);
    else expect(remedy).toMatch(/send .* again|send the request that it was made from/i);
  });

  it("is a redrive for errors that are not the project's own", () => {
    expect(nextStepFor('Lambda.Unknown')).toBe('redrive');
  });
});

describe('runbookLinkFor', () => {
  it.each([...names, 'States.Timeout'])('leads to a section of the runbook for %s', (name) => {
    expect(runbookLinkFor(name)).toMatch(/^docs\/runbook\.md#/);
    expect(anchors).toContain(runbookLinkFor(name).split('#')[1]);
  });
});
