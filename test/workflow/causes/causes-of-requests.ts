// Errors of requests, and of who else works on the subscriber.

import { CreateSecretCommand, DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { operatorAt } from '../../../sandbox/operator.ts';
import { setUpOtherAccount } from '../../../tools/permissions/other-account.ts';
import { accountsPackage, requestIn, there } from '../accounts/elsewhere.ts';
import { newUser } from '../add-user/adding-users.ts';
import { offboard } from '../offboard/offboarding.ts';
import { ended, eventually, hold, newKey, onboard, redrive, requestFor, run, startOnboarding } from '../sandbox.ts';
import { callsOf, credentialsOf, fault, functionNameOf, newName, onboarded, setDataVersion } from '../subscriber.ts';
import { afterwards, type Cause } from './cause.ts';

const refusedName = 'no good';

export const causesOfRequests: readonly Cause[] = [
  {
    error: 'InvalidRequest',
    because: 'a field breaks its rule',
    step: 'AcceptRequest',
    says: /^subscriber\.userName: /,
    remedy: /Correct the field/,
    provoke: async (sandbox) => ({ userName: 'nobody', report: await onboard(sandbox, requestFor(refusedName)) }),
  },
  {
    error: 'InvalidRequest',
    because: 'there is no such secret',
    step: 'AcceptRequest',
    says: /^passwordSecretId: there is no secret infinstor\/sandbox\/input\//,
    remedy: /Correct the field/,
    async provoke(sandbox) {
      const userName = newName('cause');
      const passwordSecretId = `infinstor/sandbox/input/${userName}/absent`;
      return { userName, report: await onboard(sandbox, { ...requestFor(userName), passwordSecretId }) };
    },
  },
  {
    error: 'InvalidRequest',
    because: 'the secret is scheduled for deletion',
    step: 'AcceptRequest',
    says: /^passwordSecretId: secret infinstor\/sandbox\/input\/\S+ is scheduled for deletion: restore it/,
    remedy: /Correct the field/,
    async provoke(sandbox) {
      const userName = newName('cause');
      const passwordSecretId = `infinstor/sandbox/input/${userName}/deleted`;
      const client = new SecretsManagerClient(operatorAt(sandbox.endpoint));
      await client.send(
        new CreateSecretCommand({ Name: passwordSecretId, SecretString: '{"password":"Deleted-Marker-1!"}' }),
      );
      await client.send(new DeleteSecretCommand({ SecretId: passwordSecretId }));
      return { userName, report: await onboard(sandbox, { ...requestFor(userName), passwordSecretId }) };
    },
  },
  {
    error: 'InvalidRequest',
    because: 'another user has the e-mail address',
    step: 'CreateSubscriber',
    says: /^(?:subscriber\.)?emailId: InfinStor has another user with this e-mail address/,
    remedy: /Correct the field/,
    options: () => ({ infinstor: { emails: 'unique' } }),
    async provoke(sandbox) {
      await onboarded(sandbox, requestFor('first-of-address'));
      const userName = 'second-of-address';
      return { userName, report: await onboard(sandbox, requestFor(userName)) };
    },
  },
  {
    error: 'SecretNotReadable',
    because: 'the first step may not use the key of a secret of the request',
    step: 'AcceptRequest',
    says: /^passwordSecretId: secret infinstor\S+ cannot be read: role arn:aws:iam::\S+AcceptRequestRole\S* may not .* KMS key arn:aws:kms:/,
    remedy: /Allow the named role/,
    async provoke(sandbox) {
      const userName = newName('cause');
      const keyArn = newKey(sandbox);
      const passwordSecretId = `infinstor/sandbox/input/${userName}/under-key`;
      sandbox.secretsManager.createSecret(passwordSecretId, '{"password":"Under-Key-Marker-1!"}', {}, keyArn);
      return { userName, keyArn, report: await onboard(sandbox, { ...requestFor(userName), passwordSecretId }) };
    },
  },
  {
    error: 'SecretNotReadable',
    because: 'the key of the kept credentials is disabled',
    step: 'AcceptRequest',
    says: /^Secret infinstor\S+credentials cannot be read: the role of function \S+-accept-request may not use its KMS key arn:aws:kms:\S+, or that is disabled/,
    remedy: /enable that key/,
    async provoke(sandbox) {
      const userName = newName('cause');
      await onboarded(sandbox, requestFor(userName));
      const keyArn = newKey(sandbox, { state: 'Disabled' });
      const value = sandbox.secretsManager.value(credentialsOf(userName));
      sandbox.secretsManager.deleteSecret(credentialsOf(userName));
      sandbox.secretsManager.createSecret(credentialsOf(userName), value, {}, keyArn);
      return { userName, keyArn, report: await onboard(sandbox, requestFor(userName)) };
    },
  },
  {
    error: 'AccountNotAccessible',
    because: 'the external id is another one',
    step: 'AcceptRequest',
    says: /^Account 222222222222 cannot be reached: its role arn:aws:iam::222222222222:role\/\S+ does not let \S+-accept-request assume it/,
    remedy: /external id/,
    options: accountsPackage,
    async provoke(sandbox) {
      await setUpOtherAccount(sandbox, { ExternalId: 'another-external-id' });
      return { userName: 'kept-out', report: await onboard(sandbox, requestIn('kept-out', there)) };
    },
  },
  {
    error: 'InvalidStepInput',
    because: 'the machine gives a function what it does not take',
    step: 'WaitForStack',
    says: /^taskToken: is required$/,
    remedy: /different versions/,
    options: () => ({ editTemplate: (template) => template.replaceAll('\\"taskToken.$\\"', '\\"token.$\\"') }),
    provoke: async (sandbox) => ({
      userName: 'other-version',
      report: await onboard(sandbox, requestFor('other-version')),
    }),
  },
  {
    error: 'NewerDataVersion',
    because: 'a newer version has written the record',
    step: 'AcceptRequest',
    says: /^An item of the registry has data of version 3; this function knows 2 at most$/,
    remedy: /Deploy the newer version/,
    async provoke(sandbox) {
      const userName = newName('cause');
      await onboarded(sandbox, requestFor(userName));
      await setDataVersion(sandbox, userName, 3);
      const report = await onboard(sandbox, requestFor(userName));
      // The failure is recorded by nobody while that is so, and others read the record.
      afterwards(() => setDataVersion(sandbox, userName, 2));
      return { userName, report };
    },
  },
  {
    error: 'OnboardingInProgress',
    because: 'another execution works on the subscriber',
    step: 'AcceptRequest',
    says: /^Subscriber \S+ is being changed by arn:aws:states:/,
    remedy: /Wait for the running execution/,
    async provoke(sandbox) {
      const userName = newName('cause');
      const before = callsOf(sandbox, 'add_subscriber');
      const goOn = hold(sandbox, 'infinstor', 'add_subscriber');
      const { executionArn } = await startOnboarding(sandbox, requestFor(userName));
      await eventually(sandbox, () => {
        if (callsOf(sandbox, 'add_subscriber') === before) throw new Error('It is not held yet');
      });
      const second = await startOnboarding(sandbox, requestFor(userName));
      const report = await ended(sandbox, second.executionArn);
      goOn();
      await ended(sandbox, executionArn);
      return { userName, report, otherExecutionArn: executionArn };
    },
  },
  {
    error: 'ExecutionSuperseded',
    because: 'a later execution has onboarded the subscriber',
    step: 'CompleteOnboarding',
    says: /^Subscriber \S+ belongs to arn:aws:states:\S+ since$/,
    remedy: /Do not redrive/,
    async provoke(sandbox) {
      const userName = newName('cause');
      fault(sandbox, 'events:PutEvents:error=AccessDeniedException', {
        functionName: functionNameOf('complete-onboarding'),
      });
      const first = await onboard(sandbox, requestFor(userName));
      await onboarded(sandbox, requestFor(userName));
      return { userName, report: await redrive(sandbox, first) };
    },
  },
  {
    error: 'SubscriberNotActive',
    because: 'nobody of that name is onboarded',
    step: 'AcceptUpdate',
    says: /^There is no subscriber nobody-yet in the registry$/,
    remedy: /Onboard the subscriber/,
    async provoke(sandbox) {
      const subscriber = { userName: 'nobody-yet', emailId: 'new@example.com' };
      return { userName: 'nobody-yet', report: await run(sandbox, 'update-subscriber', { subscriber }) };
    },
  },
  {
    error: 'SubscriberDiffers',
    because: 'the e-mail address is another one',
    step: 'AcceptRequest',
    says: /differs in subscriber\.emailId \(kept: mlops@example\.com\)$/,
    remedy: /npm start -- update/,
    async provoke(sandbox) {
      const userName = newName('cause');
      await onboarded(sandbox, requestFor(userName));
      const report = await onboard(sandbox, { subscriber: { userName, emailId: 'other@example.com' } });
      return { userName, report };
    },
  },
  {
    error: 'SubscriberNotFound',
    because: 'the registry knows nobody of that name',
    step: 'AcceptOffboarding',
    says: /^The registry knows no subscriber nobody-ever$/,
    remedy: /Check the name/,
    provoke: async (sandbox) => ({ userName: 'nobody-ever', report: await offboard(sandbox, 'nobody-ever') }),
  },
  {
    error: 'UsersNotAdded',
    because: 'InfinStor refuses a user',
    step: 'CompleteUsers',
    says: /InfinStorRejected/,
    remedy: /Correct what the message names/,
    async provoke(sandbox) {
      const userName = newName('cause');
      await onboarded(sandbox, requestFor(userName));
      const user = newUser();
      // The first answers of a user are its login.
      fault(sandbox, 'infinstor:addsecondaryuser:error=400');
      const request = { subscriber: { userName }, users: [newUser(), user] };
      return { userName, user: user.userName, report: await run(sandbox, 'add-user', request) };
    },
  },
  {
    error: 'UserExists',
    within: 'UsersNotAdded',
    because: 'the name is that of a user of another subscriber',
    step: 'CompleteUsers',
    says: /: UserExists/,
    remedy: /Correct what the message names/,
    async provoke(sandbox) {
      const user = newUser();
      const [first, userName] = [newName('cause'), newName('cause')];
      for (const host of [first, userName]) await onboarded(sandbox, requestFor(host));
      await run(sandbox, 'add-user', { subscriber: { userName: first }, users: [user] });
      const request = { subscriber: { userName }, users: [user] };
      return { userName, user: user.userName, report: await run(sandbox, 'add-user', request) };
    },
  },
];
