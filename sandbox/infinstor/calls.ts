import * as v from 'valibot';
import type { Cognito } from '../services/cognito-idp/service.ts';
import {
  errorAnswer,
  expiredLoginAnswer,
  externalAuthMember,
  type InfinStorResponse,
  json,
  refusal,
  tokenAnswer,
} from './answers.ts';
import { formFields, type InfinStorRequest, jsonFields } from './requests.ts';
import type { SubscriberStore } from './subscriber-store.ts';
import type { InfinStorVariant } from './variant.ts';

/** What a call works with. */
export interface CallParts {
  store: SubscriberStore;
  cognito: Cognito;
  variant: InfinStorVariant;
  /** The service's base URL; asked when needed, because the port is known only then. */
  baseUrl: () => string;
  region: string;
  /** The one user who may add subscribers. */
  superadmin: { userName: string };
}

type Call = (request: InfinStorRequest, parts: CallParts) => InfinStorResponse;

/** Every call of the service, by method and path. */
export const calls: Readonly<Record<string, Call>> = {
  'GET /api/2.0/mlflow/infinstor/get_version': getVersion,
  'POST /api/2.0/mlflow/infinstor/add_subscriber': addSubscriber,
  'POST /api/2.0/mlflow/infinstor/update_subscriber': updateSubscriber,
  'POST /addsecondaryuser': addSecondaryUser,
  'POST /customerinfo': customerInfo,
};

/** How the service answers a login that has expired, or a token that is none. */
export const loginExpired = ({ variant, baseUrl }: Pick<CallParts, 'variant' | 'baseUrl'>) =>
  expiredLoginAnswer(variant.expiredLogin, `${baseUrl()}/login.html`);

function getVersion(request: InfinStorRequest, { cognito, variant, baseUrl, region }: CallParts): InfinStorResponse {
  if (request.headers.authorization !== 'None') return json(401, { message: 'Unauthorized' });
  return json(200, {
    cognitoCliClientId: cognito.clientId,
    cognitoAppClientId: '4sandbox0app0client0000000',
    mlflowDnsName: variant.hosts.mlflow,
    mlflowuiDnsName: variant.hosts.mlflowui,
    mlflowstaticDnsName: variant.hosts.mlflowstatic,
    apiDnsName: variant.hosts.api,
    serviceDnsName: new URL(baseUrl()).hostname,
    region,
    ...externalAuthMember(variant.externalAuth),
  });
}

const newSubscriber = v.object({
  userName: v.pipe(v.string(), v.minLength(1)),
  password: v.pipe(v.string(), v.minLength(1)),
  emailId: v.pipe(v.string(), v.minLength(1)),
});

function addSubscriber(call: InfinStorRequest, parts: CallParts): InfinStorResponse {
  const { store, cognito, variant } = parts;
  const problem = superadminProblem(call, 'add', parts);
  if (problem !== undefined) return problem;
  const request = jsonFields(call, newSubscriber);
  if ('problem' in request) return request.problem;
  const { userName, password, emailId } = request.fields;
  if (cognito.hasUser(userName)) return errorAnswer(variant.duplicate, 'Error User Exists');
  if (!isStrong(password) && variant.passwordIsSet === 'with the user')
    return errorAnswer(variant.refusal, 'Error Password did not conform with policy');
  if (isTaken(parts, emailId)) return errorAnswer(variant.duplicate, emailTaken);
  if (!isStrong(password)) {
    cognito.createUser({
      userName,
      password: `Temporary-1-${userName}`,
      email: emailId,
      status: 'FORCE_CHANGE_PASSWORD',
    });
    return errorAnswer(variant.refusal, passwordRefusedAfterwards);
  }
  const status = isElsewhere(variant) ? 'EXTERNAL_PROVIDER' : 'CONFIRMED';
  cognito.createUser({ userName, password, email: emailId, status });
  const subscriber = { userName, emailId };
  store.add(subscriber);
  return tokenAnswer(variant, store.issueToken(subscriber));
}

const change = v.object({
  userName: v.pipe(v.string(), v.minLength(1)),
  password: v.optional(v.pipe(v.string(), v.minLength(1))),
  emailId: v.optional(v.pipe(v.string(), v.minLength(1))),
});

function updateSubscriber(call: InfinStorRequest, parts: CallParts): InfinStorResponse {
  const { store, cognito, variant } = parts;
  const problem = superadminProblem(call, 'update', parts);
  if (problem !== undefined) return problem;
  const request = jsonFields(call, variant.missingField === 'refused' ? newSubscriber : change);
  if ('problem' in request) return request.problem;
  const { userName, password, emailId } = request.fields;
  // Unlike the pool, it knows a name only as it was written first.
  const subscriber = store.find(userName);
  if (subscriber?.userName !== userName) return errorAnswer(variant.unknownUser, 'Error User does not exist');
  if (password !== undefined && !isStrong(password)) {
    return errorAnswer(variant.refusal, 'Error Password did not conform with policy');
  }
  if (emailId !== undefined && isTaken(parts, emailId, userName)) return errorAnswer(variant.duplicate, emailTaken);
  cognito.changeUser(userName, { password, email: emailId });
  subscriber.emailId = emailId ?? subscriber.emailId;
  return variant.updateRotatesToken
    ? tokenAnswer(variant, store.issueToken(subscriber))
    : refusal(200, 'Successfully updated subscriber');
}

const newUser = v.object({
  newuser: v.pipe(v.string(), v.minLength(1)),
  email: v.pipe(v.string(), v.minLength(1)),
  password: v.pipe(v.string(), v.minLength(1)),
});

function addSecondaryUser(call: InfinStorRequest, parts: CallParts): InfinStorResponse {
  const { store, cognito, variant } = parts;
  const [, idToken] = /^Bearer (\S+)$/.exec(call.headers.authorization ?? '') ?? [];
  if (idToken === undefined) return json(401, { message: 'Unauthorized' });
  const caller = cognito.userOf(idToken);
  if (caller === undefined || caller === 'expired') return loginExpired(parts);
  const subscriber = store.find(caller.userName);
  if (subscriber === undefined) return errorAnswer(variant.refusal, 'Error Only subscribers can add users');
  const form = formFields(call);
  if (form === undefined) return refusal(400, 'Error Expected a form');
  const request = v.safeParse(newUser, form);
  if (!request.success) return refusal(400, `Error Missing parameter ${v.getDotPath(request.issues[0])}`);
  const { newuser: userName, email, password } = request.output;
  if (cognito.hasUser(userName)) return errorAnswer(variant.duplicate, 'Error User Exists');
  if (!isStrong(password)) return errorAnswer(variant.refusal, 'Error Password did not conform with policy');
  if (isTaken(parts, email)) return errorAnswer(variant.duplicate, emailTaken);
  const isTemporary = variant.newUserPassword === 'temporary';
  const status = isElsewhere(variant) ? 'EXTERNAL_PROVIDER' : isTemporary ? 'FORCE_CHANGE_PASSWORD' : 'CONFIRMED';
  cognito.createUser({ userName, password, email, status });
  store.addUser({ userName, emailId: email, subscriber });
  // Plain text, whatever its content type says (setup guide, 1.2.2).
  return refusal(200, 'Successfully created user');
}

/** What the vendor's own client sends with `customerinfo`. */
const productCode = '9fcazc4rbiwp6ewg4xlt5c8fu';

function customerInfo(call: InfinStorRequest, parts: CallParts): InfinStorResponse {
  const { store, cognito, superadmin } = parts;
  const idToken = call.headers.authorization;
  const caller = idToken === undefined ? undefined : cognito.userOf(idToken);
  if (caller === undefined || caller === 'expired') return loginExpired(parts);
  if (formFields(call)?.ProductCode !== productCode) return refusal(400, 'Error Unknown product code');
  const common = { productCode, serviceVersion: '2.3.72', enableProjects: true, InfinSnapBuckets: [] };
  if (caller.userName === superadmin.userName) {
    return json(200, { ...common, userName: caller.userName, isSecondaryUser: false });
  }
  const secondaryUser = store.findUser(caller.userName);
  const subscriber = secondaryUser?.subscriber ?? store.find(caller.userName);
  if (subscriber === undefined) return refusal(400, 'Error No such customer');
  const { userName } = secondaryUser ?? subscriber;
  const { registered } = subscriber;
  const accessKey = store.accessKeyOf(subscriber);
  return json(200, {
    ...common,
    userName,
    isSecondaryUser: secondaryUser !== undefined,
    InfinStorAccessKeyId: accessKey.id,
    InfinStorSecretAccessKey: accessKey.secret,
    usePresignedUrlForInfinSnap: false,
    usePresignedUrlForMLflow: false,
    ...(registered !== undefined && {
      awsAccountId: registered.roleArn.split(':')[4],
      customerRoleArn: registered.roleArn,
      iamExternalId: `infinstor-${subscriber.userName}`,
      customerArtifactUri: `s3://${registered.bucketName}/`,
      mlflowTrackingDdbTableName: registered.tableName,
    }),
  });
}

/** What is wrong with who calls: undefined for the superadmin. */
function superadminProblem(
  { headers }: InfinStorRequest,
  action: string,
  parts: CallParts,
): InfinStorResponse | undefined {
  const idToken = headers.authorization;
  if (idToken === undefined || /^bearer /i.test(idToken)) return json(401, { message: 'Unauthorized' });
  const caller = parts.cognito.userOf(idToken);
  if (caller === undefined || caller === 'expired') return loginExpired(parts);
  if (caller.userName === parts.superadmin.userName) return undefined;
  return refusal(403, `Error Only superadmin can ${action} subscribers`);
}

/** Where users log in elsewhere, the pool has them without a password. */
const isElsewhere = ({ externalAuth }: InfinStorVariant) => externalAuth.startsWith('superadmin');

/** As Cognito has it of a pool in which users log in by their address, too. */
const emailTaken = 'An account with the given email already exists.';

/** As boto3 has it of the second of two calls. */
const passwordRefusedAfterwards =
  'An error occurred (InvalidPasswordException) when calling the AdminSetUserPassword operation: Password does not conform to policy: Password not long enough';

/** @param userName who may have the address */
function isTaken({ cognito, variant }: CallParts, emailId: string, userName?: string): boolean {
  const holder = cognito.userWithEmail(emailId);
  return variant.emails === 'unique' && holder !== undefined && holder.toLowerCase() !== userName?.toLowerCase();
}

/** Like a Cognito pool that asks for every kind of character. */
const isStrong = (password: string) =>
  password.length >= 8 && [/[A-Z]/, /[a-z]/, /[0-9]/, /[^A-Za-z0-9\s]/].every((kind) => kind.test(password));
