//! The form of a rule file: one label, its rules, their examples. What a loaded rule does lives in `compile`.

use serde::Deserialize;

use crate::cover::CoverKind;
use crate::edges::Edge;
use crate::validate::Check;

/// The files that are part of the program, one per label.
pub(crate) const BUILTIN: [&str; 218] = [
    include_str!("../rules/pci.card.toml"),
    include_str!("../rules/pci.iban.toml"),
    include_str!("../rules/pii.email.toml"),
    include_str!("../rules/pii.ip.toml"),
    include_str!("../rules/pii.phone.toml"),
    include_str!("../rules/pii.url.toml"),
    include_str!("../rules/pii.us_ssn.toml"),
    include_str!("../rules/secret.adafruit.toml"),
    include_str!("../rules/secret.adobe.toml"),
    include_str!("../rules/secret.age.toml"),
    include_str!("../rules/secret.ai21.toml"),
    include_str!("../rules/secret.airtable.toml"),
    include_str!("../rules/secret.algolia.toml"),
    include_str!("../rules/secret.alibaba.toml"),
    include_str!("../rules/secret.anthropic.toml"),
    include_str!("../rules/secret.apify.toml"),
    include_str!("../rules/secret.app_key.toml"),
    include_str!("../rules/secret.appsync.toml"),
    include_str!("../rules/secret.artifactory.toml"),
    include_str!("../rules/secret.asana.toml"),
    include_str!("../rules/secret.assemblyai.toml"),
    include_str!("../rules/secret.atlassian.toml"),
    include_str!("../rules/secret.authress.toml"),
    include_str!("../rules/secret.aws_access_key.toml"),
    include_str!("../rules/secret.aws_secret_key.toml"),
    include_str!("../rules/secret.azure.toml"),
    include_str!("../rules/secret.azureopenai.toml"),
    include_str!("../rules/secret.bartizan.toml"),
    include_str!("../rules/secret.beamer.toml"),
    include_str!("../rules/secret.bitbucket.toml"),
    include_str!("../rules/secret.bittrex.toml"),
    include_str!("../rules/secret.box.toml"),
    include_str!("../rules/secret.brevo.toml"),
    include_str!("../rules/secret.buildkite.toml"),
    include_str!("../rules/secret.cerebras.toml"),
    include_str!("../rules/secret.circleci.toml"),
    include_str!("../rules/secret.cli_login.toml"),
    include_str!("../rules/secret.clickhouse.toml"),
    include_str!("../rules/secret.clickup.toml"),
    include_str!("../rules/secret.clojars.toml"),
    include_str!("../rules/secret.cloudflare.toml"),
    include_str!("../rules/secret.cloudinary.toml"),
    include_str!("../rules/secret.coda.toml"),
    include_str!("../rules/secret.codeclimate.toml"),
    include_str!("../rules/secret.codecov.toml"),
    include_str!("../rules/secret.cohere.toml"),
    include_str!("../rules/secret.coinbase.toml"),
    include_str!("../rules/secret.confluent.toml"),
    include_str!("../rules/secret.connection.toml"),
    include_str!("../rules/secret.contentful.toml"),
    include_str!("../rules/secret.context7.toml"),
    include_str!("../rules/secret.cursor.toml"),
    include_str!("../rules/secret.databricks.toml"),
    include_str!("../rules/secret.datadog.toml"),
    include_str!("../rules/secret.deepgram.toml"),
    include_str!("../rules/secret.deepseek.toml"),
    include_str!("../rules/secret.defined_net.toml"),
    include_str!("../rules/secret.dfuse.toml"),
    include_str!("../rules/secret.digitalocean.toml"),
    include_str!("../rules/secret.discord.toml"),
    include_str!("../rules/secret.disqus.toml"),
    include_str!("../rules/secret.docker.toml"),
    include_str!("../rules/secret.doppler.toml"),
    include_str!("../rules/secret.droneci.toml"),
    include_str!("../rules/secret.dropbox.toml"),
    include_str!("../rules/secret.dtrack.toml"),
    include_str!("../rules/secret.duffel.toml"),
    include_str!("../rules/secret.dynatrace.toml"),
    include_str!("../rules/secret.e2b.toml"),
    include_str!("../rules/secret.easypost.toml"),
    include_str!("../rules/secret.elevenlabs.toml"),
    include_str!("../rules/secret.etsy.toml"),
    include_str!("../rules/secret.facebook.toml"),
    include_str!("../rules/secret.fastly.toml"),
    include_str!("../rules/secret.figma.toml"),
    include_str!("../rules/secret.finicity.toml"),
    include_str!("../rules/secret.finnhub.toml"),
    include_str!("../rules/secret.firecrawl.toml"),
    include_str!("../rules/secret.fireworks.toml"),
    include_str!("../rules/secret.fleetbase.toml"),
    include_str!("../rules/secret.flexport.toml"),
    include_str!("../rules/secret.flickr.toml"),
    include_str!("../rules/secret.flutterwave.toml"),
    include_str!("../rules/secret.flyio.toml"),
    include_str!("../rules/secret.frameio.toml"),
    include_str!("../rules/secret.freshbooks.toml"),
    include_str!("../rules/secret.generic.toml"),
    include_str!("../rules/secret.github.toml"),
    include_str!("../rules/secret.gitlab.toml"),
    include_str!("../rules/secret.gitter.toml"),
    include_str!("../rules/secret.gocardless.toml"),
    include_str!("../rules/secret.google.toml"),
    include_str!("../rules/secret.grafana.toml"),
    include_str!("../rules/secret.groq.toml"),
    include_str!("../rules/secret.harness.toml"),
    include_str!("../rules/secret.heroku.toml"),
    include_str!("../rules/secret.hubspot.toml"),
    include_str!("../rules/secret.huggingface.toml"),
    include_str!("../rules/secret.infracost.toml"),
    include_str!("../rules/secret.intercom.toml"),
    include_str!("../rules/secret.intra42.toml"),
    include_str!("../rules/secret.ionic.toml"),
    include_str!("../rules/secret.jina.toml"),
    include_str!("../rules/secret.jwt.toml"),
    include_str!("../rules/secret.kagi.toml"),
    include_str!("../rules/secret.kraken.toml"),
    include_str!("../rules/secret.kubernetes.toml"),
    include_str!("../rules/secret.kucoin.toml"),
    include_str!("../rules/secret.langfuse.toml"),
    include_str!("../rules/secret.langsmith.toml"),
    include_str!("../rules/secret.launchdarkly.toml"),
    include_str!("../rules/secret.linear.toml"),
    include_str!("../rules/secret.linkedin.toml"),
    include_str!("../rules/secret.lob.toml"),
    include_str!("../rules/secret.looker.toml"),
    include_str!("../rules/secret.mailchimp.toml"),
    include_str!("../rules/secret.mailgun.toml"),
    include_str!("../rules/secret.mapbox.toml"),
    include_str!("../rules/secret.mattermost.toml"),
    include_str!("../rules/secret.maxmind.toml"),
    include_str!("../rules/secret.meraki.toml"),
    include_str!("../rules/secret.messagebird.toml"),
    include_str!("../rules/secret.mistral.toml"),
    include_str!("../rules/secret.mongodb.toml"),
    include_str!("../rules/secret.netlify.toml"),
    include_str!("../rules/secret.netrc.toml"),
    include_str!("../rules/secret.newrelic.toml"),
    include_str!("../rules/secret.ngrok.toml"),
    include_str!("../rules/secret.nightfall.toml"),
    include_str!("../rules/secret.notion.toml"),
    include_str!("../rules/secret.npm.toml"),
    include_str!("../rules/secret.nuget.toml"),
    include_str!("../rules/secret.nvidia.toml"),
    include_str!("../rules/secret.nytimes.toml"),
    include_str!("../rules/secret.octopus.toml"),
    include_str!("../rules/secret.okta.toml"),
    include_str!("../rules/secret.onepassword.toml"),
    include_str!("../rules/secret.openai.toml"),
    include_str!("../rules/secret.openrouter.toml"),
    include_str!("../rules/secret.openshift.toml"),
    include_str!("../rules/secret.opsgenie.toml"),
    include_str!("../rules/secret.pagarme.toml"),
    include_str!("../rules/secret.pagerduty.toml"),
    include_str!("../rules/secret.password_hash.toml"),
    include_str!("../rules/secret.paystack.toml"),
    include_str!("../rules/secret.perplexity.toml"),
    include_str!("../rules/secret.pinecone.toml"),
    include_str!("../rules/secret.plaid.toml"),
    include_str!("../rules/secret.planetscale.toml"),
    include_str!("../rules/secret.polygon.toml"),
    include_str!("../rules/secret.posthog.toml"),
    include_str!("../rules/secret.postman.toml"),
    include_str!("../rules/secret.powershell.toml"),
    include_str!("../rules/secret.prefect.toml"),
    include_str!("../rules/secret.private_key.toml"),
    include_str!("../rules/secret.privateai.toml"),
    include_str!("../rules/secret.pubnub.toml"),
    include_str!("../rules/secret.pulumi.toml"),
    include_str!("../rules/secret.pypi.toml"),
    include_str!("../rules/secret.rapidapi.toml"),
    include_str!("../rules/secret.readme.toml"),
    include_str!("../rules/secret.replicate.toml"),
    include_str!("../rules/secret.resend.toml"),
    include_str!("../rules/secret.rubygems.toml"),
    include_str!("../rules/secret.saas.toml"),
    include_str!("../rules/secret.salesforce.toml"),
    include_str!("../rules/secret.sanity.toml"),
    include_str!("../rules/secret.scalingo.toml"),
    include_str!("../rules/secret.scrapfly.toml"),
    include_str!("../rules/secret.segment.toml"),
    include_str!("../rules/secret.sendbird.toml"),
    include_str!("../rules/secret.sendgrid.toml"),
    include_str!("../rules/secret.sentry.toml"),
    include_str!("../rules/secret.session.toml"),
    include_str!("../rules/secret.settlemint.toml"),
    include_str!("../rules/secret.shippo.toml"),
    include_str!("../rules/secret.shopify.toml"),
    include_str!("../rules/secret.sidekiq.toml"),
    include_str!("../rules/secret.slack.toml"),
    include_str!("../rules/secret.snyk.toml"),
    include_str!("../rules/secret.sonar.toml"),
    include_str!("../rules/secret.sourcegraph.toml"),
    include_str!("../rules/secret.square.toml"),
    include_str!("../rules/secret.squarespace.toml"),
    include_str!("../rules/secret.stability.toml"),
    include_str!("../rules/secret.stackhawk.toml"),
    include_str!("../rules/secret.storecove.toml"),
    include_str!("../rules/secret.stripe.toml"),
    include_str!("../rules/secret.sumologic.toml"),
    include_str!("../rules/secret.supabase.toml"),
    include_str!("../rules/secret.tailscale.toml"),
    include_str!("../rules/secret.tavily.toml"),
    include_str!("../rules/secret.teams_hook.toml"),
    include_str!("../rules/secret.teamwork.toml"),
    include_str!("../rules/secret.telegram.toml"),
    include_str!("../rules/secret.telnyx.toml"),
    include_str!("../rules/secret.terraform.toml"),
    include_str!("../rules/secret.tines.toml"),
    include_str!("../rules/secret.together.toml"),
    include_str!("../rules/secret.travisci.toml"),
    include_str!("../rules/secret.trello.toml"),
    include_str!("../rules/secret.twilio.toml"),
    include_str!("../rules/secret.twitch.toml"),
    include_str!("../rules/secret.twitter.toml"),
    include_str!("../rules/secret.typeform.toml"),
    include_str!("../rules/secret.ubidots.toml"),
    include_str!("../rules/secret.url_password.toml"),
    include_str!("../rules/secret.vault.toml"),
    include_str!("../rules/secret.vercel.toml"),
    include_str!("../rules/secret.voiceflow.toml"),
    include_str!("../rules/secret.voyage.toml"),
    include_str!("../rules/secret.wandb.toml"),
    include_str!("../rules/secret.wireguard.toml"),
    include_str!("../rules/secret.xai.toml"),
    include_str!("../rules/secret.yandex.toml"),
    include_str!("../rules/secret.zapier.toml"),
    include_str!("../rules/secret.zendesk.toml"),
    include_str!("../rules/secret.zoho.toml"),
];

/// Where a rule begins to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// At an at sign; the rule starts at the local part before it.
    At,
    /// At the first digit of a group of digits, and at a `+` or `(` before it.
    Digits,
    /// At two letters before a group of digits.
    LetteredDigits,
    /// At the first colon of a run of hex digits and colons; the rule starts where the run does.
    Colons,
    /// At `://`; the rule starts at the scheme.
    Url,
}

/// An example: what must be found in a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The text.
    pub text: String,
    /// The part that the rule reports.
    pub find: String,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable name, reported with every finding.
    pub id: String,
    /// Where to look: one of these words in any letter case …
    #[serde(default)]
    pub keywords: Vec<String>,
    /// … or at a kind of character.
    pub class: Option<Class>,
    /// What stands between the keyword (or the class's start) and the value; the longest reading counts.
    pub before: Option<String>,
    /// The value. Bytes, no Unicode classes; bounded.
    pub pattern: String,
    /// Whether letter case matters in `pattern` and `before`.
    #[serde(default)]
    pub case_sensitive: bool,
    /// Left neighbour of the value (of the keyword, where `before` is used).
    #[serde(default)]
    pub left: Edge,
    /// Right neighbour of the value.
    #[serde(default)]
    pub right: Edge,
    /// Tests of the value, by name; all must pass.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Score of a match, 0 to 1.
    pub score: f64,
    /// Whole words that make a match likelier when they stand shortly before it or in the key it stands under.
    #[serde(default)]
    pub context: Vec<String>,
    /// Score with such a word.
    pub context_score: Option<f64>,
    /// Whole words directly before a match that make it something else.
    #[serde(default)]
    pub negative: Vec<String>,
    /// Whether an object key that contains a keyword makes the whole value a candidate.
    #[serde(default)]
    pub by_key: bool,
    /// What follows a match and belongs to it, however long.
    pub cover: Option<CoverKind>,
    /// Overrides the label's rank among overlapping findings; larger wins.
    pub rank: Option<u8>,
    /// Where the format is described.
    pub source: String,
    /// At least two.
    pub examples: Vec<Example>,
    /// At least two texts in which this rule reports nothing.
    pub counter_examples: Vec<String>,
}

/// One rule file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// What its rules find.
    pub label: String,
    /// One sentence for people.
    pub description: String,
    /// Findings below this score are kept apart.
    pub threshold: f64,
    /// Severity for reports: `low`, `medium`, `high`, `critical`.
    pub severity: Severity,
    /// The rules.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// How bad a leak of a label is, for reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Public or nearly so.
    Low,
    /// Personal.
    Medium,
    /// Personal and abusable.
    High,
    /// Grants access.
    Critical,
}

impl RuleFile {
    /// Reads a rule file.
    ///
    /// # Errors
    /// When it is not TOML of the documented form; unknown fields are refused.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        toml::from_str(text).map_err(|source| RuleError::Form(Box::new(source)))
    }

    /// The files that are part of the program.
    ///
    /// # Errors
    /// When one of them is broken, which the tests of this crate exclude.
    pub fn builtin() -> Result<Vec<Self>, RuleError> {
        BUILTIN.iter().map(|text| Self::parse(text)).collect()
    }
}

/// Why rules were refused.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Not TOML of the documented form.
    #[error("the rule file is not of the documented form")]
    Form(#[source] Box<toml::de::Error>),
    /// A pattern that is not a regular expression, or too large.
    #[error("rule `{rule}`: the pattern cannot be compiled: {message}")]
    Pattern {
        /// Which rule.
        rule: String,
        /// What the compiler said.
        message: String,
    },
    /// A pattern that can match more than the window, or nothing at all.
    #[error("rule `{rule}`: a pattern must match at least 1 and at most {limit} bytes")]
    Unbounded {
        /// Which rule.
        rule: String,
        /// The window in bytes.
        limit: usize,
    },
    /// Neither or both of `keywords` and `class`, an empty keyword, or one that could not be held back while it is incomplete.
    #[error("rule `{rule}`: give either `class` or non-empty `keywords`; without `before`, keywords of letters, digits and `._+-`")]
    Anchor {
        /// Which rule.
        rule: String,
    },
    /// Too few examples.
    #[error("rule `{rule}`: at least two `examples` and two `counter_examples` are needed")]
    Examples {
        /// Which rule.
        rule: String,
    },
    /// A score or threshold outside 0 to 1.
    #[error("rule `{rule}`: scores and thresholds lie between 0 and 1")]
    Score {
        /// Which rule or label.
        rule: String,
    },
    /// The same rule id or label twice.
    #[error("`{name}` is given twice, or is not dotted lower-case words")]
    Name {
        /// Rule id or label.
        name: String,
    },
    /// The keyword automaton could not be built.
    #[error("the keywords cannot be compiled: {0}")]
    Keywords(String),
}
