import { randomBytes, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Clock } from '../core/clock.ts';
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
import { type InfinStorVariant, usualVariant } from './variant.ts';

const week = 7 * 24 * 60 * 60 * 1000;

/** The header names are in lower case, the path is relative to the service's base URL. */
export interface InfinStorRequest {
  method: string;
  path: string;
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
}

/** What a subscriber's stack reports when it is up. */
export interface Registration {
  roleArn: string;
  bucketName: string;
  tableName: string;
}

interface Subscriber {
  userName: string;
  emailId: string;
  registered?: Registration;
}

/** A user under a subscriber. */
interface SecondaryUser {
  userName: string;
  emailId: string;
  subscriber: Subscriber;
}

export interface InfinStor {
  handle(request: InfinStorRequest): InfinStorResponse;
  /** The names of the calls that it has. */
  operations: readonly string[];
  /** How the service answers a fault: with this status, as to an expired login, or as API Gateway for it; any other name is throttling. */
  failure(name: string): InfinStorResponse;
  subscribers(): readonly Readonly<Subscriber>[];
  /** The users under a subscriber, in the order in which they were made. */
  usersOf(userName: string): readonly { userName: string; emailId: string }[];
  /** The custom token that was issued for a subscriber, as a person would get it from the vendor. */
  customTokenOf(userName: string): string | undefined;
  /** Issues another custom token for a subscriber, as a person might get it from the vendor: no call is documented that does. */
  renewToken(userName: string): string;
  /** Deletes a subscriber, as a person would by the vendor's means: no call is documented that does. */
  deleteSubscriber(userName: string): void;
  /** Lets the service no longer know a subscriber, whose user stays in the pool. */
  forget(userName: string): void;
  /**
   * The stack's callback with its custom token, which may come more than once.
   * Throws an Error `Invalid token` or, seven days after the token was issued, `Expired token`.
   */
  redeem(customToken: string, registration: Registration): void;
}

interface InfinStorOptions {
  clock: Clock;
  cognito: Cognito;
  /** The service's base URL; asked when needed, because the port is known only then. */
  baseUrl: () => string;
  region: string;
  /** The one user who may add subscribers. */
  superadmin: { userName: string };
  /** How it differs from the usual one. */
  variant?: Partial<InfinStorVariant>;
}

const newSubscriber = v.object({
  userName: v.pipe(v.string(), v.minLength(1)),
  password: v.pipe(v.string(), v.minLength(1)),
  emailId: v.pipe(v.string(), v.minLength(1)),
});

const change = v.object({
  userName: v.pipe(v.string(), v.minLength(1)),
  password: v.optional(v.pipe(v.string(), v.minLength(1))),
  emailId: v.optional(v.pipe(v.string(), v.minLength(1))),
});

const newUser = v.object({
  newuser: v.pipe(v.string(), v.minLength(1)),
  email: v.pipe(v.string(), v.minLength(1)),
  password: v.pipe(v.string(), v.minLength(1)),
});

/** What the vendor's own client sends with `customerinfo`. */
const productCode = '9fcazc4rbiwp6ewg4xlt5c8fu';

/** The multi-tenant MLflow service, as far as its REST interface is known. */
export function createInfinStor(options: InfinStorOptions): InfinStor {
  const { clock, cognito, baseUrl, region, superadmin } = options;
  const variant = { ...usualVariant, ...options.variant };
  const subscribers = new Map<string, Subscriber>();
  const secondaryUsers = new Map<string, SecondaryUser>();
  const tokens = new Map<string, { subscriber: Subscriber; expires: number }>();
  // Where users log in elsewhere, the pool has them without a password.
  const isElsewhere = variant.externalAuth.startsWith('superadmin');

  const getVersion = () =>
    json(200, {
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

  const loginExpired = () => expiredLoginAnswer(variant.expiredLogin, `${baseUrl()}/login.html`);

  /** What is wrong with who calls: undefined for the superadmin. */
  function superadminProblem({ headers }: InfinStorRequest, action: string): InfinStorResponse | undefined {
    const idToken = headers.authorization;
    if (idToken === undefined || /^bearer /i.test(idToken)) return json(401, { message: 'Unauthorized' });
    const caller = cognito.userOf(idToken);
    if (caller === undefined || caller === 'expired') return loginExpired();
    if (caller.userName !== superadmin.userName) return refusal(403, `Error Only superadmin can ${action} subscribers`);
    return undefined;
  }

  /** The JSON of a request, or what is wrong with it. */
  function parsed<Fields>(
    { headers, body }: InfinStorRequest,
    schema: v.GenericSchema<unknown, Fields>,
  ): { fields: Fields } | { problem: InfinStorResponse } {
    if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
      return { problem: refusal(400, 'Error Expected a JSON body') };
    }
    const request = v.safeParse(schema, parseJson(body));
    if (request.success) return { fields: request.output };
    const field = v.getDotPath(request.issues[0]);
    return { problem: refusal(400, field ? `Error Missing parameter ${field}` : 'Error Malformed JSON body') };
  }

  function addSubscriber(call: InfinStorRequest): InfinStorResponse {
    const problem = superadminProblem(call, 'add');
    if (problem !== undefined) return problem;
    const request = parsed(call, newSubscriber);
    if ('problem' in request) return request.problem;
    const { userName, password, emailId } = request.fields;
    if (cognito.hasUser(userName)) return errorAnswer(variant.duplicate, 'Error User Exists');
    if (!isStrong(password)) return errorAnswer(variant.refusal, 'Error Password did not conform with policy');

    cognito.createUser({ userName, password, email: emailId, status: isElsewhere ? 'EXTERNAL_PROVIDER' : 'CONFIRMED' });
    const subscriber = { userName, emailId };
    subscribers.set(userName.toLowerCase(), subscriber);
    return newToken(subscriber);
  }

  /** Issues a custom token, with which those before are void. */
  function newToken(subscriber: Subscriber): InfinStorResponse {
    for (const [issued, { subscriber: holder }] of tokens) if (holder === subscriber) tokens.delete(issued);
    const id = randomUUID();
    const token = randomBytes(256).toString('base64url');
    const customToken =
      variant.tokenShape === 'opaque' ? randomBytes(30).toString('base64url') : `${variant.tokenPrefix}${id}:${token}`;
    tokens.set(customToken, { subscriber, expires: clock.now() + week });
    return tokenAnswer(variant.tokenShape, { id, token, customToken });
  }

  function updateSubscriber(call: InfinStorRequest): InfinStorResponse {
    const problem = superadminProblem(call, 'update');
    if (problem !== undefined) return problem;
    const request = parsed(call, variant.missingField === 'refused' ? newSubscriber : change);
    if ('problem' in request) return request.problem;
    const { userName, password, emailId } = request.fields;
    // Unlike the pool, it knows a name only as it was written first.
    const subscriber = subscribers.get(userName.toLowerCase());
    if (subscriber?.userName !== userName) return errorAnswer(variant.unknownUser, 'Error User does not exist');
    if (password !== undefined && !isStrong(password)) {
      return errorAnswer(variant.refusal, 'Error Password did not conform with policy');
    }
    cognito.changeUser(userName, { password, email: emailId });
    subscriber.emailId = emailId ?? subscriber.emailId;
    return variant.updateRotatesToken ? newToken(subscriber) : refusal(200, 'Successfully updated subscriber');
  }

  function addSecondaryUser({ headers, body }: InfinStorRequest): InfinStorResponse {
    const [, idToken] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? [];
    if (idToken === undefined) return json(401, { message: 'Unauthorized' });
    const caller = cognito.userOf(idToken);
    if (caller === undefined || caller === 'expired') return loginExpired();
    const subscriber = subscribers.get(caller.userName.toLowerCase());
    if (subscriber === undefined) return errorAnswer(variant.refusal, 'Error Only subscribers can add users');
    if (!isForm(headers)) return refusal(400, 'Error Expected a form');
    const request = v.safeParse(newUser, Object.fromEntries(new URLSearchParams(body)));
    if (!request.success) return refusal(400, `Error Missing parameter ${v.getDotPath(request.issues[0])}`);
    const { newuser: userName, email, password } = request.output;
    if (cognito.hasUser(userName)) return errorAnswer(variant.duplicate, 'Error User Exists');
    if (!isStrong(password)) return errorAnswer(variant.refusal, 'Error Password did not conform with policy');
    const isTemporary = variant.newUserPassword === 'temporary';
    const status = isElsewhere ? 'EXTERNAL_PROVIDER' : isTemporary ? 'FORCE_CHANGE_PASSWORD' : 'CONFIRMED';
    cognito.createUser({ userName, password, email, status });
    secondaryUsers.set(userName.toLowerCase(), { userName, emailId: email, subscriber });
    // Plain text, whatever its content type says (setup guide, 1.2.2).
    return refusal(200, 'Successfully created user');
  }

  function customerInfo({ headers, body }: InfinStorRequest): InfinStorResponse {
    const idToken = headers.authorization;
    const caller = idToken === undefined ? undefined : cognito.userOf(idToken);
    if (caller === undefined || caller === 'expired') return loginExpired();
    if (!isForm(headers) || new URLSearchParams(body).get('ProductCode') !== productCode) {
      return refusal(400, 'Error Unknown product code');
    }
    const secondaryUser = secondaryUsers.get(caller.userName.toLowerCase());
    const subscriber = secondaryUser?.subscriber ?? subscribers.get(caller.userName.toLowerCase());
    if (subscriber === undefined) return refusal(400, 'Error No such customer');
    const { userName } = secondaryUser ?? subscriber;
    const { registered } = subscriber;
    return json(200, {
      userName,
      productCode,
      isSecondaryUser: secondaryUser !== undefined,
      enableProjects: true,
      InfinSnapBuckets: [],
      ...(registered !== undefined && {
        awsAccountId: registered.roleArn.split(':')[4],
        customerRoleArn: registered.roleArn,
        customerArtifactUri: `s3://${registered.bucketName}/`,
        mlflowTrackingDdbTableName: registered.tableName,
      }),
    });
  }

  const routes: Readonly<Record<string, (request: InfinStorRequest) => InfinStorResponse>> = {
    'GET /api/2.0/mlflow/infinstor/get_version': (request) =>
      request.headers.authorization === 'None' ? getVersion() : json(401, { message: 'Unauthorized' }),
    'POST /api/2.0/mlflow/infinstor/add_subscriber': addSubscriber,
    'POST /api/2.0/mlflow/infinstor/update_subscriber': updateSubscriber,
    'POST /addsecondaryuser': addSecondaryUser,
    'POST /customerinfo': customerInfo,
  };

  return {
    operations: Object.keys(routes).map((route) => route.slice(route.lastIndexOf('/') + 1)),
    handle(request) {
      const name = `${request.method} ${request.path}`;
      const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
      return route?.(request) ?? refusal(404, `The sandbox's InfinStor does not have ${name}`);
    },
    failure(name) {
      if (name === 'LoginExpired') return loginExpired();
      if (name === 'EndpointTimedOut') return json(504, { message: 'Endpoint request timed out' });
      return /^\d{3}$/.test(name)
        ? json(Number(name), { message: 'A fault was asked for' })
        : json(429, { message: name });
    },
    subscribers: () => [...subscribers.values()],
    usersOf: (name) =>
      [...secondaryUsers.values()]
        .filter(({ subscriber }) => subscriber.userName.toLowerCase() === name.toLowerCase())
        .map(({ userName, emailId }) => ({ userName, emailId })),
    customTokenOf: (userName) =>
      [...tokens].find(([, { subscriber }]) => subscriber.userName.toLowerCase() === userName.toLowerCase())?.[0],
    renewToken(userName) {
      const subscriber = subscribers.get(userName.toLowerCase());
      if (subscriber === undefined) throw new Error(`There is no subscriber ${userName}`);
      newToken(subscriber);
      return [...tokens].find(([, { subscriber: holder }]) => holder === subscriber)?.[0] ?? '';
    },
    deleteSubscriber(userName) {
      const id = userName.toLowerCase();
      if (!subscribers.delete(id)) throw new Error(`There is no subscriber ${userName}`);
      cognito.deleteUser(userName);
      for (const [token, { subscriber }] of tokens) if (subscriber.userName.toLowerCase() === id) tokens.delete(token);
    },
    forget: (userName) => void subscribers.delete(userName.toLowerCase()),
    redeem(customToken, registration) {
      const issued = tokens.get(customToken);
      if (issued === undefined) throw new Error('Invalid token');
      if (issued.expires <= clock.now()) throw new Error('Expired token');
      issued.subscriber.registered = registration;
    },
  };
}

const isForm = (headers: InfinStorRequest['headers']) =>
  /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');

/** Like a Cognito pool that asks for every kind of character. */
const isStrong = (password: string) =>
  password.length >= 8 && [/[A-Z]/, /[a-z]/, /[0-9]/, /[^A-Za-z0-9\s]/].every((kind) => kind.test(password));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
