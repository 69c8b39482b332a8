"""The authorizers beside RBAC: `node` for kubelets, `modes` for those that decide without looking, `abac` for a policy file,
`webhook` for servers that are asked; `configuration` reads which ones a server has, `building` makes them."""
