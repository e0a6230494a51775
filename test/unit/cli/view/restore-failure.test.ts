import { describe, expect, it } from 'vitest';
import { restoreRemedyFor } from '../../../../cli/view/restore-failure.ts';

describe('the remedies of a restore', () => {
  it.each([
    'InvalidRequest',
    'InvalidConfiguration',
    'KeyPolicyBusy',
    'KeyPolicyOrphan',
    'KeyPolicyNotUnderstood',
    'KeyPolicyFull',
    'KeyNotUsable',
    'AccessDeniedException',
  ])('say of %s what to do, and never to redrive or to send a request', (name) => {
    const remedy = restoreRemedyFor(name);
    expect(remedy).toMatch(/^[A-Z].*\.$/);
    expect(remedy).not.toMatch(/redrive|send the request/);
    expect(remedy === restoreRemedyFor('Unheard')).toBe(name === 'AccessDeniedException');
  });
});
