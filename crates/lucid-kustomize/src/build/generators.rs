//! Running the generators of a kustomization.

use lucid_object::yaml;

use super::{Accumulator, Build, Folder, Target};
use crate::generate;
use crate::model::{At, GeneratorArgs, GeneratorOptions};
use crate::origin::Origin;
use crate::report::Report;
use crate::resource::Resource;

/// Lets a generator read files of a folder.
struct Source<'a, 'b> {
    build: &'a mut Build<'b>,
    folder: &'a Folder,
}

impl generate::Files for Source<'_, '_> {
    fn load(&mut self, path: &At<yaml::Text>, report: &mut Report) -> Option<(Vec<u8>, u32)> {
        std::mem::swap(&mut self.build.report, report);
        let loaded = self.build.bytes(self.folder, path).map(|(bytes, found)| {
            let shown = self.build.loader.display(&found);
            (bytes, self.build.report.files.add(&shown))
        });
        std::mem::swap(&mut self.build.report, report);
        loaded
    }
}

impl Build<'_> {
    /// ConfigMaps, then Secrets, then plugins.
    pub(super) fn generate(&mut self, into: &mut Accumulator, target: &Target, origin: &Origin) {
        let kustomization = &target.kustomization;
        for args in kustomization.config_maps.iter().chain(&kustomization.secrets) {
            let options = &kustomization.generator_options;
            let Some(mut resource) = self.generated(args, options, &target.folder) else { continue };
            if self.origins {
                let kind = if args.secret { "SecretGenerator" } else { "ConfigMapGenerator" };
                resource.origin = Some(origin.builtin(target.file_name, kind));
            }
            into.map.absorb(resource, &mut self.report);
        }
        for chart in &kustomization.charts {
            let Some(mut resources) = self.inflate(chart, &target.folder) else { continue };
            for resource in &mut resources {
                if self.origins {
                    resource.origin = Some(origin.builtin(target.file_name, "HelmChartInflationGenerator"));
                }
            }
            for resource in self.stamped(resources) {
                into.map.absorb(resource, &mut self.report);
            }
        }
        self.external_generators(into, target, origin);
    }

    /// One generated object.
    pub(super) fn generated(
        &mut self,
        args: &GeneratorArgs,
        global: &GeneratorOptions,
        folder: &Folder,
    ) -> Option<Resource> {
        let mut report = std::mem::take(&mut self.report);
        let made = generate::object(args, global, &mut Source { build: self, folder }, &mut report);
        self.report = report;
        made
    }
}
