package wire

// The documents are this package's own. They name operations and variables as
// the published clients do (npm @roq/nodejs 1.0.20, @roq/client 0.0.12; for roles
// and tenants @roq/ui-react 1.0.13) and ask for every field that the schema gives an
// invite. A refusal is asked for its
// email and error only: the schema's names there are non-null, and an invite
// without names could null the whole answer.
const (
	inviteFields = `
fragment invite on UserInviteModel {
  id tenantId email firstName lastName locale roleKeys data
  status statusUpdatedAt createdAt updatedAt
  createdByUserId acceptedByUserId userTokenId
}`

	sendV2Document = `mutation sendUserInvites($data: UserInvitesCreateV2Dto!) {
  sendUserInvitesV2(data: $data) { success { ...invite } errors { email error } }
}` + inviteFields

	sendV1Document = `mutation sendUserInvites($userInvites: UserInvitesCreateDto!) {
  sendUserInvites(userInvites: $userInvites) { success { ...invite } errors { email error } }
}` + inviteFields

	resendDocument = `mutation resendUserInvite($userInviteId: ID!) {
  resendUserInvite(id: $userInviteId) { ...invite }
}` + inviteFields

	cancelDocument = `mutation cancelUserInvite($userInviteId: ID!) {
  cancelUserInvite(id: $userInviteId) { ...invite }
}` + inviteFields

	listDocument = `query userInvites($filter: UserInviteFilterArgType, $limit: Int, $offset: Int, $order: UserInviteOrderArgType, $search: UserInviteSearchArgType) {
  userInvites(filter: $filter, limit: $limit, offset: $offset, order: $order, search: $search) {
    totalCount data { ...invite }
  }
}` + inviteFields

	acceptDocument = `mutation acceptUserInvite($data: AcceptUserInviteV2Dto!) {
  acceptUserInviteV2(data: $data) { ...invite }
}` + inviteFields

	checkTokenDocument = `query checkUserInviteToken($token: String!) {
  checkUserInviteToken(token: $token) { email isValid isExpired }
}`

	rolesDocument = `query roles($filter: RoleFilterArgType, $limit: Int, $offset: Int, $order: RoleOrderArgType) {
  roles(filter: $filter, limit: $limit, offset: $offset, order: $order) { totalCount data { id key name } }
}`

	tenantDocument = `query tenant($id: ID!) {
  tenant(id: $id) { id name reference createdAt updatedAt }
}`

	getDocument = `query userInvite($id: ID!) {
  userInvite(id: $id) { ...invite }
}` + inviteFields
)
