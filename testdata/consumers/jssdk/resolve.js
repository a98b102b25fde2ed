// How the SDK for JavaScript gets the credentials of profiles: see gosdk/resolve, which
// asks the same of the Go SDK. Reads a question a line and answers each with a line.
// Nothing leaves the computer: STS, Identity Center, commands and the metadata services
// are replaced here.
import childProcess from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";

const given = new Map();
const give = (outcome) => {
  const id = `ASIAGIVEN${given.size}`;
  given.set(id, outcome);
  return { accessKeyId: id, secretAccessKey: "x", sessionToken: "x" };
};
const describe = (c, secret) => given.get(c.accessKeyId) ?? { source: ["key ", c.accessKeyId, secret, c.sessionToken ?? ""].join("|") };

// The SDK takes it when it is loaded.
childProcess.exec = (command, done) => {
  const { accessKeyId, secretAccessKey } = give({ source: "process " + command });
  done(null, { stdout: JSON.stringify({ Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey }) });
};
const require = createRequire(import.meta.url);
const { defaultProvider } = require("@aws-sdk/credential-provider-node");
const { externalDataInterceptor } = require("@smithy/core/config");
const { HttpResponse } = require("@smithy/core/protocols");

const directory = process.argv[2];
process.env.AWS_CONFIG_FILE = join(directory, "config");
process.env.AWS_SHARED_CREDENTIALS_FILE = join(directory, "credentials");
process.env.AWS_LOGIN_CACHE_DIRECTORY = directory;

const server = http.createServer((request, response) => {
  const imds = request.url.startsWith("/latest");
  if (request.url === "/latest/api/token" || request.url.endsWith("/security-credentials/")) {
    response.end("x");
    return;
  }
  const { accessKeyId: AccessKeyId } = give({ source: imds ? "imds" : "container" });
  response.end(JSON.stringify({ Code: "Success", AccessKeyId, SecretAccessKey: "x", Token: "x", Expiration: "2099-01-01T00:00:00Z" }));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const address = `http://127.0.0.1:${server.address().port}`;
process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = address + "/";
process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT = address;

// Tokens of sign-ins by name or start URL, and of web identities by path.
let tokenFiles = new Set();
Object.setPrototypeOf(
  externalDataInterceptor.getTokenRecord(),
  new Proxy({}, {
    get: (_, id) => {
      if (id === "exec") return undefined;
      return tokenFiles.has(id) ? id : { accessToken: id, expiresAt: "2099-01-01T00:00:00Z" };
    },
  }),
);

const portal = {
  metadata: { handlerProtocol: "http/1.1" },
  async handle(request) {
    const region = request.hostname.split(".")[2];
    const { account_id: account, role_name: role } = request.query;
    const signIn = request.headers["x-amz-sso_bearer_token"];
    const roleCredentials = { ...give({ source: `sso ${account} ${role} ${signIn} ${region}` }), expiration: 4070908800000 };
    const body = Readable.from([JSON.stringify({ roleCredentials })]);
    return { response: new HttpResponse({ statusCode: 200, headers: { "content-type": "application/json" }, body }) };
  },
};

const assume = (source, role) => ({ ...give({ ...source, roles: [...(source.roles ?? []), role] }) });
const roleOf = (params) => ({
  arn: params.RoleArn,
  external_id: params.ExternalId ?? "",
  mfa_serial: params.SerialNumber ?? "",
  name: /^aws-sdk-js-(session-)?\d+$/.test(params.RoleSessionName) ? "" : params.RoleSessionName,
  seconds: params.DurationSeconds || 0,
});

async function resolve(profile) {
  try {
    const found = await defaultProvider({
      profile,
      clientConfig: { requestHandler: portal },
      mfaCodeProvider: async () => "123456",
      roleAssumer: async (c, params) => assume(describe(c, "-"), roleOf(params)),
      roleAssumerWithWebIdentity: async (params) => assume({ source: "web " + params.WebIdentityToken }, roleOf(params)),
      maxRetries: 0,
    })();
    return describe(found, found.secretAccessKey);
  } catch (problem) {
    return { error: `${problem.name}: ${problem.message}`.split("\n")[0] };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { Config, Credentials, Profiles } = JSON.parse(line);
  given.clear();
  externalDataInterceptor.interceptFile(process.env.AWS_CONFIG_FILE, Config);
  externalDataInterceptor.interceptFile(process.env.AWS_SHARED_CREDENTIALS_FILE, Credentials);
  const valuesOf = (key) => [...(Config + "\n" + Credentials).matchAll(new RegExp(`^\\s*${key}\\s*=(.*)$`, "gm"))].map((m) => m[1].split(/(^|\s)[;#]/)[0].trim());
  tokenFiles = new Set(valuesOf("web_identity_token_file"));
  for (const session of valuesOf("login_session")) {
    const accessToken = { ...give({ source: "login " + session }), accountId: "111111111111", expiresAt: "2099-01-01T00:00:00Z" };
    const name = createHash("sha256").update(session).digest("hex") + ".json";
    writeFileSync(join(directory, name), JSON.stringify({ accessToken, clientId: "x", refreshToken: "x", dpopKey: "x" }));
  }
  const answer = {};
  for (const profile of Profiles) {
    answer[profile] = await resolve(profile);
  }
  console.log(JSON.stringify(answer));
}
server.close();
process.exit();
