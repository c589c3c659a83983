// Package peers tests this module against the clients that the services' vendors and users have written. It holds
// tests only. It is a module of its own so that these clients are not dependencies of the library.
//
// The fakes were written from documentation. A foreign client shows what programs really send, so each client meets
// the fake of its service:
//
//   - It posts a message, and the fake has what was posted.
//   - It reads what the fake offers to read.
//   - It is refused, and reports the refusal as its own kind of error, with the words of the service.
//
// The notifiers were written from documentation too. A vendor's types show which members the vendor knows, so each
// request that a notifier makes for the alerts of internal/sample is decoded into the vendor's type, and must mean the
// same there. Where the vendor has no such type, its client sends the same message and both requests are compared.
//
// The receiver and the store of module durable also meet programs that we have not written: HTTP clients send webhooks
// to the receiver, and other NATS clients read a store and publish into it.
//
// # Who meets whom
//
// In Go, except for those with a star:
//
//	slack          slack-go, shoutrrr, Alertmanager*
//	teams          go-teams-notify, notify, Alertmanager*
//	line           line-bot-sdk-go v8 and v7, notify (with v7.8)
//	pagerduty      go-pagerduty, shoutrrr, Alertmanager*
//	opsgenie, jsm  opsgenie-go-sdk-v2, shoutrrr, Alertmanager*
//	twilio         twilio-go, notify (with kevinburke/twilio-go)
//	eventbridge    aws-sdk-go-v2, aws-sdk-go
//	email          go-mail, go-smtp, gomail, jordan-wright/email, shoutrrr, notify, Alertmanager*
//	webhook        Standard Webhooks, Svix, shoutrrr, notify, Alertmanager*
//	receiver       resty, go-retryablehttp, net/http, shoutrrr, notify, Alertmanager*
//	durable        nats.go (both APIs of JetStream, and core NATS), the nats command*
//
// "shoutrrr" is that of containrrr and that of nicholas-fedor; "notify" is nikoksr/notify. Those with a star take
// minutes to compile. They have the build tag slow, and run with "make peers-slow".
//
// The clients of npm run with "make peers-npm". Each is a script in the folder npm. A test with the tag npm starts it:
//
//	chatwork       chatwork-api-client, @chatwork/mcp-server
//	hipchat        hipchat-notifier, hipchatter, hipchat-room-notification-api
//	slack          @slack/webhook, slack-notify, slack-webhook, node-slack, node-slackr
//	teams          ms-teams-webhook; adaptivecards parses our cards
//	line           @line/bot-sdk, linebot
//	pagerduty      @pagerduty/pdjs, node-pagerduty
//	opsgenie, jsm  opsgenie-sdk
//	twilio         twilio
//	eventbridge    @aws-sdk/client-eventbridge
//	email          nodemailer, emailjs
//	webhook        standardwebhooks, svix
//	receiver       axios, got, fetch
//	durable        nats, @nats-io/jetstream
//
// Programs of Debian run with "make peers-debian", with the tag debian. Those that are not installed are skipped:
//
//	email          curl, msmtp, swaks, smtplib of Python
//	eventbridge    awscli
//
// # Who is missing
//
// These clients could not be had from a registry when this was written:
//
//   - of Mackerel: mackerelio/mackerel-client-go, mackerelio/mkr, and the provider for Terraform;
//   - of Chatwork: hiepnsx/go-chatwork-api, magicdrive/go-chatwork;
//   - of HipChat: tbruyelle/hipchat-go, theodesp/go-hipchat;
//   - of Typetalk: nulab/go-typetalk;
//   - others: dasrick/go-teams-notify, grafana/alerting, xhit/go-simple-mail.
//
// So no client of Mackerel's API and of Typetalk is here. People who have Mackerel's clients run them against
// mackereltest.
//
// Some parts of the clients are left out, because they call what the fakes do not have: Slack's chat.postMessage and
// PagerDuty's incidents (notify), the connectors that Teams has given up (shoutrrr), a room's messages (hipchatter).
//
// # Files
//
// There is one file for each peer. The files of the vendors' clients have the same order. The peer's package is
// imported as peer.
package peers
