import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { acme, customTokenAnswer, registration, setUp, superadmin, text } from './infinstor-fixture.ts';

describe('update_subscriber', () => {
  const strong = 'Other-Horse-2';

  it('changes password and e-mail address, together or alone', async () => {
    const { addAs, cognito, infinstor, logIn, updateAs } = setUp();
    await addAs(superadmin, acme);
    const both = { userName: 'acme', password: strong, emailId: 'a@b.example' };
    expect(await updateAs(superadmin, both)).toEqual(text(200, 'Successfully updated subscriber'));
    expect([infinstor.subscribers()[0]?.emailId, cognito.emailOf('acme')]).toEqual(['a@b.example', 'a@b.example']);
    await expect(logIn(acme)).rejects.toThrow('Incorrect username or password.');
    await expect(logIn({ ...acme, password: strong })).resolves.toEqual(expect.any(String));

    expect(await updateAs(superadmin, { userName: 'acme', emailId: 'c@d.example' })).toMatchObject({ status: 200 });
    expect(await updateAs(superadmin, { userName: 'acme', password: acme.password })).toMatchObject({ status: 200 });
    expect([infinstor.subscribers()[0]?.emailId, cognito.emailOf('acme')]).toEqual(['c@d.example', 'c@d.example']);
    await expect(logIn(acme)).resolves.toEqual(expect.any(String));
  });

  it.each(['password', 'emailId'])('can refuse a request without %s', async (field) => {
    const { addAs, updateAs } = setUp({ missingField: 'refused' });
    await addAs(superadmin, acme);
    expect(await updateAs(superadmin, { ...acme, [field]: undefined })).toEqual(
      text(400, `Error Missing parameter ${field}`),
    );
  });

  it('refuses who is not superadmin, an unknown user, and a name in another case', async () => {
    const { addAs, updateAs } = setUp();
    await addAs(superadmin, acme);
    expect(await updateAs(acme, acme)).toEqual(text(403, 'Error Only superadmin can update subscribers'));
    for (const userName of ['other', 'ACME', 'superadmin']) {
      const answer = await updateAs(superadmin, { ...acme, userName });
      expect(answer).toEqual(text(400, 'Error User does not exist'));
    }
  });

  it('refuses a body that is no JSON, and a weak password', async () => {
    const { addAs, logIn, updateAs } = setUp();
    await addAs(superadmin, acme);
    expect(await updateAs(superadmin, 'userName=acme')).toEqual(text(400, 'Error Malformed JSON body'));
    const weak = { userName: 'acme', password: 'short', emailId: 'a@b.example' };
    expect(await updateAs(superadmin, weak)).toEqual(text(400, 'Error Password did not conform with policy'));
    await expect(logIn(acme)).resolves.toEqual(expect.any(String));
  });

  it('can answer with a new custom token, with which the one before is void', async () => {
    const { addAs, infinstor, updateAs } = setUp({ updateRotatesToken: true });
    const before = v.parse(customTokenAnswer, JSON.parse((await addAs(superadmin, acme)).body)).customToken;
    const answer = await updateAs(superadmin, { userName: 'acme', emailId: 'a@b.example' });
    const { customToken } = v.parse(customTokenAnswer, JSON.parse(answer.body));
    expect(infinstor.customTokenOf('acme')).toBe(customToken);
    expect(() => infinstor.redeem(before, registration)).toThrow('Invalid token');
    expect(() => infinstor.redeem(customToken, registration)).not.toThrow();
  });

  it('does not know who was forgotten', async () => {
    const { addAs, infinstor, logIn, updateAs } = setUp({ unknownUser: 'json 200' });
    await addAs(superadmin, acme);
    infinstor.forget('ACME');
    expect(await updateAs(superadmin, acme)).toMatchObject({
      status: 200,
      body: '{"error":"Error User does not exist"}',
    });
    await expect(logIn(acme)).resolves.toEqual(expect.any(String));
  });
});
