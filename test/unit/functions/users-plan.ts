import type { UsersPlan } from '../../../lib/plans/users.ts';

export const addUserArn = 'arn:aws:states:us-east-1:111111111111:execution:add-user:acme-3';

const folder = 'infinstor/test/subscribers/acme';

/** The plan of two users, one with a generated password and one with the request's. */
export const usersPlan: UsersPlan = {
  subscriber: { userName: 'Acme' },
  executionArn: addUserArn,
  credentialsSecretId: `${folder}/credentials`,
  tokenSecretId: `${folder}/token`,
  users: [
    { userName: 'Alice', emailId: 'alice@acme.example', credentialsSecretId: `${folder}/users/alice` },
    {
      userName: 'bob',
      emailId: 'bob@acme.example',
      passwordSecretId: 'infinstor/test/input/acme/bob',
      credentialsSecretId: `${folder}/users/bob`,
    },
  ],
};
