// A real OpenID Connect provider (the certified oidc-provider) with one person, for the test of single sign-on.
// Arguments: port, redirect address, e-mail address of the person, whether it is verified.
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"

const [port, redirect, email, verified] = process.argv.slice(2)
const require = createRequire(process.env.MAINS_FRONTEND + "/")
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")))

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ client_id: "mains", client_secret: "a secret of the test only", redirect_uris: [redirect] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email, email_verified: verified === "1", name: "Ada" }),
  }),
  pkce: { required: () => true },
  cookies: { keys: ["only for the test"] },
})
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"))
